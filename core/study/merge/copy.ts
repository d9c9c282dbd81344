/** Copies a cell into the merged run. Positions in the metrics log are converted to those of the merged log. */
import { dirname, join, sep } from "node:path";
import {
  type Disk,
  isTemporary,
  type LogPosition,
  makeFolders,
  MAX_JSON,
  readText,
  sha256,
  writeAtomic,
} from "../../disk/mod.ts";
import { HymbaError } from "../../errors.ts";
import { decodeManifest, encodeManifest, MANIFEST } from "../../params/manifest.ts";
import {
  armFolder,
  failureOf,
  jsonText,
  readJson,
  recallFile,
  stageFile,
  stageRecordOf,
  STAGES,
  testFile,
  testLossesFile,
} from "../../record/mod.ts";
import type { FoundCell } from "./sources.ts";

/** Paths of all files below a folder, relative to it. */
export async function filesBelow(disk: Disk, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list(folder)) {
    if (isTemporary(name)) continue;
    const path = join(folder, name);
    if ((await disk.stat(path))?.kind !== "folder") found.push(name);
    else found.push(...(await filesBelow(disk, path)).map((inner) => join(name, inner)));
  }
  return found;
}

/** Writes a file if its content differs. */
export async function keep(disk: Disk, path: string, content: Uint8Array | string): Promise<void> {
  if (await disk.stat(path) && sha256(await disk.read(path)) === sha256(content)) return;
  await makeFolders(disk, dirname(path));
  await writeAtomic(disk, path, content);
}

type PositionOf = (old: LogPosition) => LogPosition;

async function movedManifest(disk: Disk, path: string, positionOf: PositionOf): Promise<string> {
  const text = await readText(disk, path, { most: MAX_JSON }), manifest = decodeManifest(text, { name: path });
  if (!manifest) throw new HymbaError(`${path} is damaged`, { hint: "run this cell again in a new folder" });
  return encodeManifest({ ...manifest, log: manifest.log && positionOf(manifest.log) });
}

/** The content of a cell's file in the merged run. */
async function contentOf(
  disk: Disk,
  path: string,
  { file, positionOf }: { file: string; positionOf: PositionOf },
): Promise<Uint8Array | string> {
  if (file.endsWith(`${sep}${MANIFEST}`)) return await movedManifest(disk, path, positionOf);
  if (STAGES.some((stage) => stageFile(stage) === file)) {
    const record = await readJson(disk, path, { as: stageRecordOf });
    if (record) return jsonText({ ...record, log: positionOf(record.log) });
  }
  if (file === "failure.json") {
    const failure = await readJson(disk, path, { as: failureOf });
    if (failure) return jsonText({ ...failure, log: positionOf(failure.log) });
  }
  return await disk.read(path);
}

/**
 * Files that the end of a study adds to an arm's folder. Runs of single cells do not have them, and the merged run keeps its
 * own ones.
 */
const OF_THE_END: readonly string[] = [testFile, ...STAGES.map(testLossesFile)];

/**
 * Copies the arm's folder and the result of its probe. Other files of the arm's folder are removed. Checkpoints for other
 * cells are not copied, because a merged run trains nothing.
 */
export async function copyCell(
  disk: Disk,
  out: string,
  { cell: { arm, seed }, source: { folder }, positionOf }: FoundCell & { positionOf: PositionOf },
): Promise<void> {
  const from = armFolder(folder, arm.name, seed), to = armFolder(out, arm.name, seed);
  const files = (await filesBelow(disk, from)).filter((file) => !file.startsWith(`branches${sep}`));
  await makeFolders(disk, to);
  for (const old of await filesBelow(disk, to)) {
    if (!files.includes(old) && !OF_THE_END.includes(old)) await disk.remove(join(to, old));
  }
  for (const file of files) {
    await keep(disk, join(to, file), await contentOf(disk, join(from, file), { file, positionOf }));
  }
  const probe = recallFile(folder, arm.name, seed);
  if (await disk.stat(probe)) await keep(disk, recallFile(out, arm.name, seed), await disk.read(probe));
}

/**
 * Copies the files below `from` that `to` does not have, except those for which `but` is true. Paths are relative to both
 * folders.
 */
export async function copyRest(
  disk: Disk,
  { from, to, but }: { from: string; to: string; but: (file: string) => boolean },
): Promise<void> {
  for (const file of await filesBelow(disk, from)) {
    if (!but(file) && !await disk.stat(join(to, file))) {
      await keep(disk, join(to, file), await disk.read(join(from, file)));
    }
  }
}
