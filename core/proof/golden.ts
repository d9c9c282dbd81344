/** Compares the engine with golden cases, float64 results of another implementation: operators, blocks, models, training. */
import type { Precision } from "../config/mod.ts";
import type { Disk } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import type { Executor } from "../plan/mod.ts";
import { compareBlock } from "./golden/block.ts";
import { BOUNDS } from "./golden/bounds.ts";
import { type Comparison, type Target, worstOf } from "./golden/compare.ts";
import { GoldenFile } from "./golden/file.ts";
import { crossEntropyCase, orpoCase } from "./golden/losses.ts";
import { compareModel, compareTraining } from "./golden/model.ts";
import { attentionCase, convCase, rmsnormCase, scanCase, swigluCase } from "./golden/operators.ts";
import { compareAdamw } from "./golden/optimizer.ts";
import type { Recording } from "./golden/recording.ts";

/** The result of one file. */
export interface GoldenRow {
  readonly file: string;
  /** The kind of the case; empty when the file cannot be read. */
  readonly op: string;
  /** The tensor with the largest error relative to its bound; empty when nothing was compared. */
  readonly worst: string;
  /** RMS(difference) / RMS(reference) of that tensor; infinite when nothing was compared. */
  readonly error: number;
  readonly bound: number;
  readonly ok: boolean;
  /** The reason why the case could not be compared. */
  readonly message?: string;
}

type Runner = (file: GoldenFile, target: Target) => Promise<readonly Comparison[]>;

const operator = (record: (file: GoldenFile) => Recording): Runner => async (file, target) =>
  await record(file).compare(target, BOUNDS.operator);

const RUNNERS: ReadonlyMap<string, Runner> = new Map([
  ["selective_scan", operator(scanCase)],
  ["causal_conv1d_silu", operator(convCase)],
  ["attention", operator(attentionCase)],
  ["rmsnorm", operator(rmsnormCase)],
  ["swiglu", operator(swigluCase)],
  ["cross_entropy", operator(crossEntropyCase)],
  ["orpo", operator(orpoCase)],
  ["adamw", compareAdamw],
  ["hymba_block", compareBlock],
  ["lm", compareModel],
  ["hymba_shared", compareModel],
  ["train", compareTraining],
]);

/** The kinds of cases that can be run. */
const GOLDEN_OPS: readonly string[] = [...RUNNERS.keys()];

async function runCase(file: GoldenFile, target: Target): Promise<Comparison> {
  const runner = RUNNERS.get(file.op);
  if (!runner) {
    throw new HymbaError(`${file.name}: unknown kind ${JSON.stringify(file.op)}`, { expected: GOLDEN_OPS.join(", ") });
  }
  const comparisons = await runner(file, target);
  file.requireAllUsed();
  return worstOf(comparisons);
}

async function rowOf(
  name: string,
  { read, target }: { read(): Promise<Uint8Array<ArrayBuffer>>; target: Target },
): Promise<GoldenRow> {
  let op = "";
  try {
    const file = new GoldenFile(name, await read());
    op = file.op;
    const { tensor, error, bound } = await runCase(file, target);
    return { file: name, op, worst: tensor, error, bound, ok: error <= bound };
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).replace(`${name}: `, "");
    return { file: name, op, worst: "", error: Infinity, bound: 0, ok: false, message };
  }
}

/** The cases of a folder, in the order of their names. Throws a UsageError when the folder does not exist or has none. */
export async function goldenCases(folder: string, { disk }: { disk: Disk }): Promise<string[]> {
  if ((await disk.stat(folder))?.kind !== "folder") {
    throw new UsageError(`${folder} is not a folder`, {
      expected: "a folder with one .safetensors file per golden case",
    });
  }
  const names = (await disk.list(folder)).filter((name) => name.endsWith(".safetensors"));
  if (names.length === 0) {
    throw new UsageError(`no golden cases in ${folder}`, { expected: "files whose names end in .safetensors" });
  }
  return names;
}

/**
 * Runs every *.safetensors file of a folder in the order of the names, and calls `onCase` after each. A file that is damaged, of
 * an unknown kind or too large for the executor gives a failed row with a message. Throws a UsageError when the folder does
 * not exist or has no such file. `isOver`: when it becomes true, no further case is begun. `once`: gives the row of a file, which is
 * computed by its second argument where it is not known yet.
 */
export async function runGolden(
  executor: Executor,
  folder: string,
  { disk, precision = "f32", onCase, isOver, once = (_file, compute) => compute() }: {
    disk: Disk;
    precision?: Precision;
    onCase?(row: GoldenRow): void | Promise<void>;
    isOver?(): boolean;
    once?(file: string, compute: () => Promise<GoldenRow>): Promise<GoldenRow>;
  },
): Promise<GoldenRow[]> {
  const rows: GoldenRow[] = [];
  for (const name of await goldenCases(folder, { disk })) {
    if (isOver?.()) break;
    const read = () => disk.read(`${folder}/${name}`);
    const row = await once(name, () => rowOf(name, { read, target: { executor, precision } }));
    rows.push(row);
    await onCase?.(row);
  }
  return rows;
}
