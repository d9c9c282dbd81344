/** Merges the cells of a study that several processes ran into one run. */
import { join } from "node:path";
import { type Disk, lockFolder, makeFolders, requireSpace } from "../../disk/mod.ts";
import { UsageError } from "../../errors.ts";
import {
  FILES,
  joinedReadings,
  readJson,
  readPart,
  readRecord,
  requireOwnFolder,
  type RunRecord,
  writeJson,
  writePart,
} from "../../record/mod.ts";
import { isObject } from "../../file_schema.ts";
import { at } from "../../lists.ts";
import { cellsOf } from "../cells.ts";
import { cellsInWords } from "../part.ts";
import { copyCell, filesBelow, keep } from "./copy.ts";
import { mergeLogs } from "./log.ts";
import { type FoundCell, gather, type Gathered, isFinished, requireAlike } from "./sources.ts";

export { gather, type Gathered } from "./sources.ts";

/** Throws a UsageError when a merge would lose something that `out` has and the sources do not have. */
async function requireNothingLost(disk: Disk, out: string, { sources, found }: Gathered): Promise<void> {
  await requireOwnFolder(disk, out);
  if (!await disk.stat(join(out, FILES.record))) return;
  const own = { folder: out, record: await readRecord(disk, out) }, part = await readPart(disk, out);
  requireAlike(at(sources, 0), own);
  const cells = cellsOf(own.record.study), done: number[] = [];
  for (const cell of cells) if (await isFinished(disk, own, cell)) done.push(cell.index);
  if (part?.made_by === "cells" || (!part && done.length < cells.length)) {
    throw new UsageError(`${out} is a run that is not finished`, {
      expected: "a new folder, or one that hymba merge made",
      hint: "name it as one of the runs, and choose another folder with --out",
    });
  }
  const lost = done.filter((index) => !found.some(({ cell }) => cell.index === index));
  if (lost.length === 0) return;
  throw new UsageError(`${out} has cells that none of the named runs has`, {
    got: cellsInWords(lost, cells.length),
    hint: "name the runs of these cells, too",
  });
}

/** The commands that trained the cells, in the order of the study. A merged source has them in its record. */
function trainedBy(found: readonly FoundCell[]): NonNullable<RunRecord["trained_by"]> {
  const byCommand = new Map<string, { arm: string; seed: number }[]>();
  for (const { cell: { arm: { name: arm }, seed }, source: { record } } of found) {
    const own = record.trained_by?.find(({ cells }) => cells.some((one) => one.arm === arm && one.seed === seed));
    const { command } = own ?? record;
    byCommand.set(command, [...byCommand.get(command) ?? [], { arm, seed }]);
  }
  return [...byCommand].map(([command, cells]) => ({ command, cells }));
}

/**
 * Writes the record of a merged run: the record of its first cell with the earliest start time. The fields keep the order of
 * the first record. Returns the record.
 */
async function writeRecord(
  disk: Disk,
  out: string,
  { sources, found, own = {} }: Gathered & { own?: Partial<RunRecord> },
): Promise<RunRecord> {
  const used = found.length > 0 ? found.map(({ source }) => source) : sources, { folder, record } = at(used, 0);
  const started = at(used.map(({ record }) => record.started).sort(), 0), path = join(folder, FILES.record);
  const stored = await readJson(disk, path, { as: (value) => isObject(value) ? value : {} });
  const readings = await joinedReadings(disk, [out, ...sources.map((source) => source.folder)]);
  await writeJson(disk, join(out, FILES.record), { ...stored, ...own, started, ...readings });
  return { ...record, ...own, started };
}

/** Copies the tokenizer, and the test results of a source that is a whole run. */
async function copyShared(disk: Disk, out: string, { sources }: Gathered): Promise<void> {
  for (const { folder } of sources) {
    for (const name of [FILES.model, FILES.tokenizer, FILES.test]) {
      const path = join(folder, name), to = join(out, name);
      if (await disk.stat(path) && !await disk.stat(to)) await keep(disk, to, await disk.read(path));
    }
  }
}

async function bytesOf(disk: Disk, cells: readonly FoundCell[]): Promise<number> {
  let sum = 0;
  for (const folder of new Set(cells.map(({ source }) => source.folder))) {
    for (const file of await filesBelow(disk, folder)) sum += (await disk.stat(join(folder, file)))?.bytes ?? 0;
  }
  return sum;
}

/** The result of a merge. */
export interface Merged extends Gathered {
  readonly record: RunRecord;
}

/**
 * Puts the finished cells of the runs in `paths` into the run `out`. A second call, also after a kill, gives the same bytes.
 * Missing cells are listed in the result and in `out/cells.json`, which a complete run does not have. `runStudy` on `out` does
 * the measurements at the end of the study. `own`: fields of the record of `out` that replace those of its first cell. `by`: the
 * command that merges; the record then also has the commands that trained the cells. Throws a UsageError for runs that do not
 * belong together.
 */
export async function mergeRuns(
  disk: Disk,
  paths: readonly string[],
  { out, own, by }: { out: string; own?: Partial<Pick<RunRecord, "command" | "adapter" | "extended">>; by?: string },
): Promise<Merged> {
  const gathered = await gather(disk, paths, { out }), { found, missing } = gathered;
  await requireNothingLost(disk, out, gathered);
  const held = await lockFolder(disk, out), of = found.length + missing.length;
  try {
    if (!await disk.stat(join(out, FILES.record))) await requireSpace(disk, out, await bytesOf(disk, found));
    // Until the last step the folder claims to have no cells, so that no training continues in it.
    await writePart(disk, out, { made_by: "merge", of, cells: [] });
    // Checksums mark a run as finished. This run is not finished before the caller has made everything again.
    const sums = join(out, FILES.checksums);
    if (await disk.stat(sums)) await disk.remove(sums);
    const log = await mergeLogs(disk, found);
    await copyShared(disk, out, gathered);
    const how = by === undefined ? {} : { command: by, trained_by: trainedBy(found) };
    const record = await writeRecord(disk, out, { ...gathered, own: { ...own, ...how } });
    await makeFolders(disk, join(out, FILES.arms));
    for (const one of found) {
      await copyCell(disk, out, { ...one, positionOf: (old) => log.positionOf(one, old) });
    }
    await keep(disk, join(out, FILES.metrics), log.bytes);
    if (missing.length === 0) await disk.remove(join(out, FILES.part));
    else await writePart(disk, out, { made_by: "merge", of, cells: found.map(({ cell }) => cell.index) });
    return { ...gathered, record };
  } finally {
    await held.close();
  }
}
