/** array.json: a study that was submitted to a cluster, with its cells and their jobs. */
import { join } from "node:path";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { type Checked, list, object, oneOf, optional, readAs, text, whole } from "../../core/file_schema.ts";
import { FILES, readJson, writeJson } from "../../core/record/mod.ts";
import type { Cell } from "../../core/study/cells.ts";
import { cellFolder } from "./cells.ts";

export const ENGINES = ["slurm", "kubernetes"] as const;
export type Engine = typeof ENGINES[number];

const word = text({ max: 2 ** 16 }), words = list(word, { max: 1000 });

const array = object({
  format: oneOf([1]),
  engine: oneOf(ENGINES),
  /** The folder in which the commands run. */
  from: word,
  /** `hymba ablate` with its study, without --cell and --out; and `hymba merge` with its corpus. */
  ablate: words,
  merge: words,
  cells: list(object({ index: whole(), arm: text({ max: 256 }), seed: whole() }), { min: 1, max: 2 ** 20 }),
  /** The resources of one cell. `memory` in bytes. */
  resources: object({ threads: whole({ min: 1 }), memory: whole({ min: 1 }), seconds: whole({ min: 1 }) }),
  partition: optional(word),
  /** Kubernetes: the image of the program, and the claim of the volume that has `from` and the run in it. */
  image: optional(word),
  claim: optional(word),
  /** Submitted jobs, oldest first, with the engine's ids. */
  jobs: list(object({ id: word, cells: list(whole(), { max: 2 ** 20 }), merge: optional(word) }), { max: 10_000 }),
  /** Cells whose submission was in progress when this was written. `token` is a part of the names of their jobs. */
  submitting: optional(object({ token: text({ max: 64 }), cells: list(whole(), { max: 2 ** 20 }) })),
});

export type ArrayFile = Checked<typeof array>;
export type ArrayJob = ArrayFile["jobs"][number];

/** Names in the folder of an array. */
export const PLACES = { file: "array.json", cells: "cells", logs: "logs", merged: "merged" } as const;

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

/** The state of a cell by its files. */
export async function stateOf(folder: string, { index, arm, seed }: ArrayFile["cells"][number]): Promise<CellState> {
  const own = cellFolder(join(folder, PLACES.cells), index),
    has = (...names: string[]) => systemDisk.stat(join(own, ...names));
  if (!await has(FILES.record)) return "absent";
  if (!await has(FILES.checksums)) return "begun";
  return await has(FILES.arms, `${arm}-${seed}`, "failure.json") ? "diverged" : "done";
}

/** Cells as an array file lists them. */
export const listed = (cells: readonly Cell[]): ArrayFile["cells"] =>
  cells.map(({ index, arm, seed }) => ({ index, arm: arm.name, seed }));

/** The words that start this program. */
export function programWords(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const main = Deno.mainModule.startsWith("file:")
    ? decodeURIComponent(new URL(Deno.mainModule).pathname)
    : Deno.mainModule;
  return [Deno.execPath(), "run", "-A", main];
}
