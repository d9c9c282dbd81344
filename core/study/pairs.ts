/**
 * The preference pairs of an arm. They are made once, by its pretrained model or by the corruption rule, and stored in a file.
 */
import { join } from "node:path";
import { corrupted, type Excerpt, excerpts, type Pair } from "../data/preference.ts";
import type { Text } from "../data/parts.ts";
import { generate } from "../infer/generate.ts";
import { at } from "../lists.ts";
import { keptPairsOf, MAX_PAIRS_BYTES, readJson, writeJson } from "../record/mod.ts";
import { type ArmRun, reportEvent, startWeights } from "./arm_run.ts";

/** Pairs to train on, and pairs to measure with. */
export interface ArmPairs {
  readonly train: readonly Pair[];
  readonly heldOut: readonly Pair[];
}

/** pairs.json: tokens as lists of numbers. */
type KeptPairs = ReturnType<typeof keptPairsOf>;

/** Reads the pairs of an arm, or makes them if there are none. Throws a HymbaError when the file is damaged. */
export async function pairsOf(run: ArmRun): Promise<ArmPairs> {
  const { disk, study } = run, path = join(run.folder, "pairs.json");
  const as = (value: unknown, path: string) => keptPairsOf(value, path, study);
  let kept = await readJson(disk, path, { as, most: MAX_PAIRS_BYTES });
  if (!kept) {
    kept = await makePairs(run);
    await writeJson(disk, path, kept);
  }
  const restored = ({ prompt, chosen, rejected }: KeptPairs["train"][number]): Pair => ({
    prompt: Uint32Array.from(prompt),
    chosen: Uint32Array.from(chosen),
    rejected: Uint32Array.from(rejected),
  });
  return { train: kept.train.map(restored), heldOut: kept.heldOut.map(restored) };
}

async function makePairs(run: ArmRun): Promise<KeptPairs> {
  const { study: { preference }, tokens } = run;
  reportEvent(run, "sampling", { stage: "orpo" });
  await startWeights(run, "orpo");
  return {
    train: await pairsFrom(run, tokens.train, { count: preference.trainPairs, part: 0 }),
    heldOut: await pairsFrom(run, tokens.validation, { count: preference.heldOutPairs, part: 1 }),
  };
}

/** `part`: the random stream of the training or the validation part. */
async function pairsFrom(
  run: ArmRun,
  text: Text,
  { count, part }: { count: number; part: number },
): Promise<KeptPairs["train"]> {
  const { seed, study: { preference } } = run, { promptTokens: prompt, completionTokens: completion } = preference;
  const found = excerpts(text, { count, prompt, completion, seed, part });
  const rejected = preference.rejected === "corrupt"
    ? found.map(({ continuation }, index) => corrupted(continuation, { seed, index: part * 500_000 + index }))
    : await sampledContinuations(run, found, { part });
  return found.map(({ prompt, continuation }, i) => ({
    prompt: [...prompt],
    chosen: [...continuation],
    rejected: [...at(rejected, i)],
  }));
}

/** Sequences that are sampled in parallel. */
const TOGETHER = 32;

async function sampledContinuations(
  { executor, study, store, seed, signal }: ArmRun,
  found: readonly Excerpt[],
  { part }: { part: number },
): Promise<Uint32Array[]> {
  const { completionTokens: newTokens, temperature } = study.preference, made: Uint32Array[] = [];
  for (let at = 0; at < found.length; at += TOGETHER) {
    const prompts = found.slice(at, at + TOGETHER).map(({ prompt }) => prompt);
    const numbers = prompts.map((_, b) => part * 100_000 + at + b);
    const { tokens } = await generate(executor, store, { prompts, newTokens, temperature, seed, numbers, signal });
    made.push(...tokens);
  }
  return made;
}
