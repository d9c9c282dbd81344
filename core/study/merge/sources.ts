/** Finds the run folders to merge, checks that they belong together, and finds the run of each cell. */
import { join, resolve } from "node:path";
import { type Disk, sha256 } from "../../disk/mod.ts";
import { HymbaError, UsageError } from "../../errors.ts";
import {
  armFolder,
  FILES,
  readPart,
  readRecord,
  readTokenizer,
  recallFile,
  requireNoLinks,
  requireOwnTokenizer,
  type RunRecord,
  STAGES,
  tokenizerPath,
  weightsFile,
} from "../../record/mod.ts";
import { type Cell, cellsOf } from "../cells.ts";
import { differences } from "../json_differences.ts";

/** A run folder that cells come from. */
export interface Source {
  readonly folder: string;
  readonly record: RunRecord;
}

/** A finished cell and the run folder that has it. */
export interface FoundCell {
  readonly cell: Cell;
  readonly source: Source;
}

/** The input of a merge. */
export interface Gathered {
  /** Every run folder that was found, in the order of the arguments, then sorted by name. */
  readonly sources: readonly Source[];
  /** In the order of the study. */
  readonly found: readonly FoundCell[];
  readonly missing: readonly Cell[];
}

/** Depth of the search for runs below a given folder: `NAME/cells/cell-3` is two levels down. */
const LEVELS = 2;

async function runsBelow(disk: Disk, folder: string, levels: number): Promise<string[]> {
  if (await disk.stat(join(folder, FILES.record))) return [folder];
  if (levels === 0) return [];
  const found: string[] = [];
  for (const name of await disk.list(folder)) {
    const path = join(folder, name), stat = await disk.stat(path);
    if (stat?.kind === "folder" && !stat.link) found.push(...await runsBelow(disk, path, levels - 1));
  }
  return found;
}

async function runsOf(disk: Disk, path: string): Promise<string[]> {
  const runs = (await disk.stat(path))?.kind === "folder" ? await runsBelow(disk, path, LEVELS) : [];
  if (runs.length > 0) return runs;
  throw new UsageError(`${path} has no run in it`, {
    expected: `a run, or a folder with runs in it (folders with ${FILES.record})`,
    hint: "hymba ablate --cell makes runs of single cells",
  });
}

/** The SHA-256 of the weights of every finished stage. Two runs of one cell have equal hashes. */
async function weightsOf(disk: Disk, { cell: { arm, seed }, source: { folder } }: FoundCell): Promise<string> {
  const hashes: string[] = [];
  for (const stage of STAGES) {
    const path = join(armFolder(folder, arm.name, seed), weightsFile(stage));
    hashes.push(await disk.stat(path) ? sha256(await disk.read(path)) : "");
  }
  return hashes.join();
}

/** Whether a run folder has all files of its cell. A probe that diverged has no file. */
export async function isFinished(disk: Disk, { folder, record }: Source, { arm, seed }: Cell): Promise<boolean> {
  const has = async (path: string) => await disk.stat(path) !== undefined, own = armFolder(folder, arm.name, seed);
  if (!await has(join(own, "result.json")) && !await has(join(own, "failure.json"))) return false;
  const probed = record.study.recall?.arms.some(({ name }) => name === arm.name);
  return !probed || await has(recallFile(folder, arm.name, seed)) || await has(join(folder, FILES.checksums));
}

const withoutThreads = ({ threads: _, ...adapter }: RunRecord["adapter"]) => adapter;

/** Fields of the records that must be equal to merge two runs, with the words for the error. */
const ALIKE: readonly (readonly [what: string, of: (record: RunRecord) => unknown])[] = [
  ["cells of another study", ({ study }) => ({ study })],
  ["another text", ({ corpus: { name, sha256 } }) => ({ corpus: { name, sha256 } })],
  ["another tokenizer", ({ tokenizer: { sha256, vocabSize } }) => ({ tokenizer: { sha256, vocabSize } })],
  ["cells of another backend or adapter", ({ backend, adapter, tiles = {} }) => {
    return { backend, adapter: withoutThreads(adapter), tiles };
  }],
  ["cells of other kernels", ({ kernels }) => ({ kernels })],
  ["cells of another version of the program", ({ versions: { hymba } }) => ({ versions: { hymba } })],
];

/** Throws a UsageError with the differences if cells of the two runs cannot be merged. */
export function requireAlike(first: Source, other: Source): void {
  for (const [what, of] of ALIKE) {
    const shown = differences(of(first.record), of(other.record), { words: ["there", "here"] });
    if (shown.length === 0) continue;
    throw new UsageError(`${other.folder} has ${what} than ${first.folder}`, {
      got: shown.join("\n            "),
      hint: "merge only runs of one study, made by one version of the program on one kind of adapter",
    });
  }
}

async function requireTokenizer(disk: Disk, { folder, record }: Source): Promise<void> {
  const path = tokenizerPath(folder, record.study), { hash } = await readTokenizer(disk, path);
  requireOwnTokenizer(path, { hash, recorded: record.tokenizer.sha256 });
}

/** Throws a HymbaError when two runs have trained one cell to different weights. */
async function requireSameCell(disk: Disk, first: FoundCell, other: FoundCell): Promise<void> {
  if (await weightsOf(disk, first) === await weightsOf(disk, other)) return;
  const { index, arm, seed } = first.cell;
  throw new HymbaError(`two runs have different weights for cell ${index} (${arm.name}, seed ${seed})`, {
    expected: "the same bits, because both are of one study and the same kernels",
    got: `${first.source.folder} and ${other.source.folder}`,
    hint: "leave out the run that you do not trust; hymba verify --retrain trains a run again and compares",
  });
}

/** Finds the source of each cell. */
async function cellsIn(disk: Disk, sources: readonly [Source, ...Source[]]): Promise<Omit<Gathered, "sources">> {
  const found: FoundCell[] = [], missing: Cell[] = [];
  for (const cell of cellsOf(sources[0].record.study)) {
    const having: FoundCell[] = [];
    for (const source of sources) if (await isFinished(disk, source, cell)) having.push({ cell, source });
    const [first, ...others] = having;
    for (const other of others) if (first) await requireSameCell(disk, first, other);
    if (first) found.push(first);
    else missing.push(cell);
  }
  return { found, missing };
}

/**
 * Finds the runs in the named folders, without `out`, and their finished cells. Throws a UsageError for a folder without a run
 * and for runs that do not belong together, and a HymbaError for damaged files.
 */
export async function gather(disk: Disk, paths: readonly string[], { out }: { out: string }): Promise<Gathered> {
  const folders = new Set<string>();
  for (const path of paths) for (const folder of await runsOf(disk, path)) folders.add(folder);
  const sources: Source[] = [];
  for (const folder of folders) {
    if (resolve(folder) === resolve(out)) continue;
    // An incomplete merge has only cells that its own sources have, too.
    if ((await readPart(disk, folder))?.made_by === "merge") continue;
    await requireNoLinks(disk, folder);
    const source = { folder, record: await readRecord(disk, folder) };
    if (sources[0]) requireAlike(sources[0], source);
    await requireTokenizer(disk, source);
    sources.push(source);
  }
  const [first, ...others] = sources;
  if (first) return { sources, ...await cellsIn(disk, [first, ...others]) };
  throw new UsageError("there is nothing to merge", {
    expected: `runs other than ${out}, which is the output`,
    hint: "name the folders of the cells, and choose another folder with --out",
  });
}
