/** The split of a study: converts values of keys to a rule for the data, and finds conflicts. */
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
  readonly validationFiles?: readonly string[];
  readonly testFiles?: readonly string[];
}

/** Parts that are files of their own. */
const separateIn = ({ validationFiles, testFiles }: SplitValues) => [
  ...(validationFiles ? ["validation" as const] : []),
  ...(testFiles ? ["test" as const] : []),
];

/** The share of the text that is trained on: all that is not for testing, where validation is a file of its own. */
export const trainFractionOf = ({ trainFraction, testFraction, validationFiles }: SplitValues): number =>
  validationFiles ? 1 - testFraction : trainFraction;

/** The split; undefined if the text only has a training and a validation part. */
export function splitOf(data: SplitValues): SplitConfig | undefined {
  const { split: kind, testFraction, blockCharacters, gapCharacters } = data, separate = separateIn(data);
  const interleaved = kind === "interleaved", gap = gapCharacters ?? (interleaved ? USUAL_GAP : 0);
  if (!interleaved && testFraction === 0 && gap === 0 && separate.length === 0) return undefined;
  const blocks = interleaved ? { blockCharacters } : {}, files = separate.length > 0 ? { separate } : {};
  return { kind, testFraction, ...blocks, gapCharacters: gap, ...files };
}

/** The smallest share of the text that may validate. */
const LEAST_SHARE = 1e-6;

const SPLIT_KEYS = ["split", "testFraction", "gapCharacters", "validationFiles", "testFiles"].map((one) =>
  `data.${one}`
);

/** Shares that leave nothing to validate with, blocks that are all gap, and a split beside that of a profile. */
export function splitFaults(values: Values, data: SplitValues): Fault[] {
  const found = splitOf(data), faults: Fault[] = [], { trainFraction: train, testFraction: test } = data;
  const at = (path: string) => faultAt(present(values.get(path), path).origin);
  for (const [files, share] of [["validationFiles", "trainFraction"], ["testFiles", "testFraction"]] as const) {
    const own = values.get(`data.${share}`);
    if (!data[files] || !own || !["file", "flag"].includes(own.origin.kind) || own.value === 0) continue;
    const what = `data.${share} does not go with data.${files}`;
    faults.push({ at: faultAt(own.origin), what, expected: "one of them", got: String(own.value) });
  }
  if (!data.validationFiles && train + test > 1 - LEAST_SHARE) {
    faults.push({
      at: at(test > 0 ? "data.testFraction" : "data.trainFraction"),
      what: "data.trainFraction and data.testFraction leave nothing for validation",
      expected: "a sum below 1",
      got: `${train} + ${test}`,
      keys: ["data.trainFraction", "data.testFraction", "data.validationFiles"],
    });
  }
  const { kind, blockCharacters = 0, gapCharacters = 0 } = found ?? {};
  if (kind === "interleaved" && blockCharacters <= 2 * gapCharacters) {
    faults.push({
      at: at("data.blockCharacters"),
      what: "data.blockCharacters",
      expected: `more than twice data.gapCharacters, which is ${gapCharacters}`,
      got: String(blockCharacters),
      keys: ["data.blockCharacters", "data.gapCharacters", "data.split"],
    });
  }
  return [...faults, ...profileFaults(values, found !== undefined)];
}

/** Faults of a tokenizer or a split that conflicts with the profile. */
function profileFaults(values: Values, split: boolean): Fault[] {
  const profile = values.get("profile"), tokenizer = values.get("data.tokenizer"), faults: Fault[] = [];
  if (!profile) return faults;
  const refuse = (path: string, key: string) =>
    faults.push({
      at: faultAt(present(values.get(path), path).origin),
      what: `${path} does not go with profile ${profile.value}`,
      expected: `no value, because the profile has a ${key} of its own`,
      keys: ["profile"],
    });
  if (tokenizer) refuse("data.tokenizer", "tokenizer");
  if (split) {
    const given = SPLIT_KEYS.find((path) => ["file", "flag"].includes(values.get(path)?.origin.kind ?? ""));
    refuse(given ?? "data.split", "split");
  }
  return faults;
}
