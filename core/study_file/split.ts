/** The split of a study: from values of keys to what the data needs, and what does not go together. */
import type { SplitConfig } from "../config/mod.ts";
import { present } from "../lists.ts";
import { type Fault, faultAt, type Values } from "./values.ts";

/** The gap of an interleaved split (characters): some sequences of the small presets. */
const USUAL_GAP = 500;

interface SplitValues {
  readonly split: SplitConfig["kind"];
  readonly trainFraction: number;
  readonly testFraction: number;
  readonly blockCharacters: number;
  readonly gapCharacters?: number;
}

/** The split; undefined where the text is simply cut in two. */
export function splitOf(
  { split: kind, testFraction, blockCharacters, gapCharacters }: SplitValues,
): SplitConfig | undefined {
  const interleaved = kind === "interleaved", gap = gapCharacters ?? (interleaved ? USUAL_GAP : 0);
  if (!interleaved && testFraction === 0 && gap === 0) return undefined;
  return { kind, testFraction, ...(interleaved ? { blockCharacters } : {}), gapCharacters: gap };
}

/** The smallest share of the text that may validate. */
const LEAST_SHARE = 1e-6;

/** Shares that leave nothing to validate with, blocks that are all gap, and a split beside that of a profile. */
export function splitFaults(values: Values, data: SplitValues): Fault[] {
  const found = splitOf(data), faults: Fault[] = [], { trainFraction: train, testFraction: test } = data;
  const at = (path: string) => faultAt(present(values.get(path), path).origin);
  if (train + test > 1 - LEAST_SHARE) {
    faults.push({
      at: at(test > 0 ? "data.testFraction" : "data.trainFraction"),
      what: "data.trainFraction and data.testFraction leave nothing for validation",
      expected: "a sum below 1",
      got: `${train} + ${test}`,
    });
  }
  const { kind, blockCharacters = 0, gapCharacters = 0 } = found ?? {};
  if (kind === "interleaved" && blockCharacters <= 2 * gapCharacters) {
    faults.push({
      at: at("data.blockCharacters"),
      what: "data.blockCharacters",
      expected: `more than twice data.gapCharacters, which is ${gapCharacters}`,
      got: String(blockCharacters),
    });
  }
  return [...faults, ...profileFaults(values, found !== undefined)];
}

/** A tokenizer or a split beside those that a profile has. */
function profileFaults(values: Values, split: boolean): Fault[] {
  const profile = values.get("profile"), tokenizer = values.get("data.tokenizer"), faults: Fault[] = [];
  if (!profile) return faults;
  const refuse = (path: string, key: string) =>
    faults.push({
      at: faultAt(present(values.get(path), path).origin),
      what: `${path} does not go with profile ${profile.value}`,
      expected: `no value, because the profile has a ${key} of its own`,
    });
  if (tokenizer) refuse("data.tokenizer", "tokenizer");
  if (split) {
    const given = ["data.split", "data.testFraction", "data.gapCharacters"].find((path) =>
      ["file", "flag"].includes(values.get(path)?.origin.kind ?? "")
    );
    refuse(given ?? "data.split", "split");
  }
  return faults;
}
