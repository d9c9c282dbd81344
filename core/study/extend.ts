/** Extends a finished run by seeds or models. Its cells become cells of the larger study and are not trained again. */
import { dirname, join } from "node:path";
import { type Arm, mainArm, type StudyConfig } from "../config/mod.ts";
import { type Disk, makeFolders } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import { isObject } from "../file_schema.ts";
import { at } from "../lists.ts";
import { FILES, readJson, readRecord, type RunRecord, writeJson, writePart } from "../record/mod.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { differences } from "./json_differences.ts";
import { copyRest } from "./merge/copy.ts";
import { isFinished } from "./merge/sources.ts";

/** The additional models and seeds of a larger study. */
export interface Growth {
  readonly arms: readonly string[];
  readonly seeds: readonly number[];
}

const isSame = (a: unknown, b: unknown) => differences({ a }, { a: b }, { words: ["", ""] }).length === 0;

/** Everything but models and seeds. */
const withoutCells = ({ arms: _, seeds: __, recall, ...rest }: StudyConfig) => ({
  ...rest,
  recall: recall && { ...recall, arms: [] },
});

/**
 * The additional models and seeds of `now`; undefined if it is not the study `before` with more seeds or models. The first
 * seed must stay the first, because it has the attention maps of the main model.
 */
export function growthOf(before: StudyConfig, now: StudyConfig): Growth | undefined {
  if (!isSame(withoutCells(before), withoutCells(now)) || before.seeds[0] !== now.seeds[0]) return undefined;
  const has = (arms: readonly Arm[] = [], arm: Arm) => arms.some((one) => isSame(one, arm));
  const kept = before.arms.every((arm) => has(now.arms, arm)) &&
    (before.recall?.arms ?? []).every((arm) => has(now.recall?.arms, arm)) &&
    before.seeds.every((seed) => now.seeds.includes(seed));
  const named = before.arms.map(({ name }) => name), main = mainArm(now);
  if (!kept || (main !== mainArm(before) && main !== undefined && named.includes(main))) return undefined;
  const arms = now.arms.map(({ name }) => name).filter((name) => !named.includes(name));
  const seeds = now.seeds.filter((seed) => !before.seeds.includes(seed));
  return arms.length + seeds.length === 0 ? undefined : { arms, seeds };
}

/** Cells of the larger study that are also in the smaller one. */
const oldCells = (before: Pick<StudyConfig, "arms" | "seeds">, now: StudyConfig): Cell[] =>
  cellsOf(now).filter(({ arm, seed }) =>
    before.seeds.includes(seed) && before.arms.some(({ name }) => name === arm.name)
  );

/** Throws a UsageError if a cell of the run is not finished. */
export async function requireWhole(disk: Disk, folder: string): Promise<void> {
  const record = await readRecord(disk, folder);
  for (const cell of cellsOf(record.study)) {
    if (await isFinished(disk, { folder, record }, cell)) continue;
    throw new UsageError(`${folder} is not finished, so it cannot be extended`, {
      got: `no result of ${cell.arm.name} with seed ${cell.seed}`,
      hint: "repeat the first command until it ends, and then this one",
    });
  }
}

/** The folder that a run is moved to while it is extended, in the folder of the new cells. */
export const asideIn = (cells: string): string => join(cells, "before");

/**
 * Moves a run to the folder of the new cells and makes it a part of the larger study. A second call, also after a kill at any
 * moment, gives the same result. Returns the entry that the record of the extended run gets.
 */
export async function setAside(
  disk: Disk,
  folder: string,
  { cells, study, own, growth }: {
    cells: string;
    study: StudyConfig;
    /** Fields of the record that the command of the larger study sets. */
    own: Partial<RunRecord>;
    growth: Growth | undefined;
  },
): Promise<RunRecord> {
  const aside = asideIn(cells);
  if (!await disk.stat(aside)) {
    await makeFolders(disk, cells);
    await disk.rename(folder, aside);
    await disk.syncFolder(cells);
    await disk.syncFolder(dirname(folder));
  }
  const path = join(aside, FILES.record), before = await readRecord(disk, aside);
  if (growth) {
    const indices = oldCells(before.study, study).map(({ index }) => index);
    await writePart(disk, aside, { made_by: "cells", of: cellsOf(study).length, cells: indices });
    const stored = await readJson(disk, path, { as: (value) => isObject(value) ? value : {} });
    const entry = { when: new Date().toISOString(), command: own.command ?? "", ...growth };
    await writeJson(disk, path, { ...stored, ...own, study, extended: [...before.extended ?? [], entry] });
  }
  return await readRecord(disk, aside);
}

/** Files of a run that a merge makes itself, or that are made again after it. */
const MADE_AGAIN: readonly string[] = [
  FILES.record,
  FILES.metrics,
  FILES.lock,
  FILES.part,
  FILES.speeds,
  FILES.checksums,
];

/** Copies the other files of the run that was moved, such as results of other commands. */
export const copyOthers = (disk: Disk, folder: string, { cells }: { cells: string }): Promise<void> =>
  copyRest(disk, { from: asideIn(cells), to: folder, but: (file) => MADE_AGAIN.includes(at(file.split("/"), 0)) });
