/** array.json: a study that was submitted to a cluster, with its cells and their jobs. */
import { join } from "node:path";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { type Checked, list, object, oneOf, optional, readAs, text, whole } from "../../core/file_schema.ts";
import { FILES, readJson, roundFolder, SWEEP_FILES, writeJson } from "../../core/record/mod.ts";
import { branchesOff, type Cell } from "../../core/study/cells.ts";
import { cellFolder } from "./cells.ts";

export const ENGINES = ["slurm", "kubernetes"] as const;
export type Engine = typeof ENGINES[number];

const word = text({ max: 2 ** 16 }), words = list(word, { max: 1000 });

const array = object({
  format: oneOf([1]),
  engine: oneOf(ENGINES),
  /** The folder in which the commands run. */
  from: word,
  /** `hymba ablate` or `hymba sweep` with its study, without --cell and --out; and `hymba merge` with its corpus. */
  train: words,
  merge: words,
  /** The cells are those of the first round of a sweep. The last job merges them, trains later rounds and chooses. */
  sweep: optional(oneOf([true])),
  /** `trunk`: the cell whose training this one branches off. One task runs both. */
  cells: list(object({ index: whole(), arm: text({ max: 256 }), seed: whole(), trunk: optional(whole()) }), {
    min: 1,
    max: 2 ** 20,
  }),
  /** The resources of a task and of the last job. `memory` in bytes. */
  resources: object({
    threads: whole({ min: 1 }),
    memory: whole({ min: 1 }),
    seconds: whole({ min: 1 }),
    lastSeconds: whole({ min: 1 }),
  }),
  partition: optional(word),
  /** Kubernetes: the image of the program, and the claim of the volume that has `from` and the run in it. */
  image: optional(word),
  claim: optional(word),
  /** Submitted jobs, oldest first, with the engine's ids. `id`: the array, if there was one. */
  jobs: list(object({ id: optional(word), cells: list(whole(), { max: 2 ** 20 }), merge: optional(word) }), {
    max: 10_000,
  }),
  /** Cells whose submission was in progress when this was written. `token` is a part of the names of their jobs. */
  submitting: optional(object({ token: text({ max: 64 }), cells: list(whole(), { max: 2 ** 20 }) })),
});

export type ArrayFile = Checked<typeof array>;
export type ArrayJob = ArrayFile["jobs"][number];

/** Names in the folder of an array. */
export const PLACES = { file: "array.json", logs: "logs" } as const;

/** Where an array has its results. */
export interface ArrayPlaces {
  /** --out of the command that trains cells, and the folder that has a folder for each cell. */
  readonly out: string;
  readonly cells: string;
  /** The run that the last job makes of the cells. */
  readonly merged: string;
  /** The last job was successful if this file exists and `unless` does not. */
  readonly ended: string;
  readonly unless?: string;
}

export function placesOf({ sweep }: Pick<ArrayFile, "sweep">, folder: string): ArrayPlaces {
  if (sweep) {
    const out = join(folder, "sweep"), merged = roundFolder(out, 1);
    return { out, cells: `${merged}-cells`, merged, ended: join(out, SWEEP_FILES.record) };
  }
  const out = join(folder, "cells"), merged = join(folder, "merged");
  return { out, cells: out, merged, ended: join(merged, FILES.checksums), unless: join(merged, FILES.part) };
}

/**
 * A test for the shell: whether a merged run has every cell. The exit code of the merge is also 1 if a cell diverged, and a sweep
 * can choose then.
 */
export const isWhole = (
  merged: string,
): string[] => ["test", "-e", join(merged, FILES.record), "-a", "!", "-e", join(merged, FILES.part)];

/** The number of the task that runs a cell: that of its first cell. */
export const taskOf = ({ index, trunk }: ArrayFile["cells"][number]): number => trunk ?? index;

/** The tasks that run these cells, each with all cells that it runs. */
export function tasksOf({ cells: all }: Pick<ArrayFile, "cells">, cells: readonly number[]): Map<number, number[]> {
  const wanted = new Set(all.filter(({ index }) => cells.includes(index)).map(taskOf)),
    tasks = new Map<number, number[]>();
  for (const cell of all) {
    const task = taskOf(cell);
    if (wanted.has(task)) tasks.set(task, [...tasks.get(task) ?? [], cell.index]);
  }
  return tasks;
}

/** Reads array.json. Throws a UsageError if the folder has none. */
export async function readArray(folder: string): Promise<ArrayFile> {
  const as = (value: unknown, path: string) => readAs(array, value, path);
  const found = await readJson(systemDisk, join(folder, PLACES.file), { as, most: 2 ** 26 });
  if (found) return found;
  throw new UsageError(`${folder} is not a submitted study`, {
    expected: `a folder with ${PLACES.file}`,
    hint: "hymba submit makes one",
  });
}

export const writeArray = (folder: string, file: ArrayFile): Promise<void> =>
  writeJson(systemDisk, join(folder, PLACES.file), file);

/** The state of a cell by its files. A cell whose process was killed is `begun`, too. */
export type CellState = "done" | "diverged" | "begun" | "absent";

/** The state of a cell by its files, in the folder of all cells. */
export async function stateOf(cells: string, { index, arm, seed }: ArrayFile["cells"][number]): Promise<CellState> {
  const own = cellFolder(cells, index),
    has = (...names: string[]) => systemDisk.stat(join(own, ...names));
  if (!await has(FILES.record)) return "absent";
  if (!await has(FILES.checksums)) return "begun";
  return await has(FILES.arms, `${arm}-${seed}`, "failure.json") ? "diverged" : "done";
}

/** Cells as an array file lists them. */
export const listed = (cells: readonly Cell[]): ArrayFile["cells"] =>
  cells.map((cell) => {
    const { index, arm, seed } = cell, trunk = cells.find((other) => branchesOff(cell, other));
    return { index, arm: arm.name, seed, ...(trunk && { trunk: trunk.index }) };
  });

/** The words that start this program. */
export function programWords(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const main = Deno.mainModule.startsWith("file:")
    ? decodeURIComponent(new URL(Deno.mainModule).pathname)
    : Deno.mainModule;
  return [Deno.execPath(), "run", "-A", main];
}
