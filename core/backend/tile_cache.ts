/** The tiles that `hymba tune` found. They are in the user's cache folder, one file per adapter and driver. */
import { dirname, join } from "node:path";
import { cacheFolder, exclusively } from "../disk/cache_folder.ts";
import { type Disk, makeFolders, readText, sha256, writeShared } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { accepts, mapOf, text } from "../file_schema.ts";
import { MATMUL_TILES, type TileChoices } from "../webgpu/tiles.ts";

/** An adapter and its driver. Each version of a driver has its own tiles. */
export interface TunedAdapter {
  readonly name: string;
  readonly driver: string;
}

/** The path of the file with the tiles of an adapter. */
export function tileFile({ name, driver }: TunedAdapter, folder = cacheFolder()): string {
  const key = sha256(new TextEncoder().encode(JSON.stringify([name, driver]))).slice(0, 32);
  return join(folder, "tiles", `${key}.json`);
}

const choices = mapOf(text(), { max: 10_000 });

/**
 * The tiles of an adapter by shape; empty if it was never tuned. Unknown names of tiles are left out. Throws a HymbaError
 * when the file is damaged.
 */
export async function readTiles(disk: Disk, adapter: TunedAdapter, folder?: string): Promise<TileChoices> {
  const path = tileFile(adapter, folder);
  if (!await disk.stat(path)) return {};
  let tiles: unknown;
  try {
    tiles = JSON.parse(await readText(disk, path)).tiles;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
  }
  if (!accepts(choices, tiles)) {
    throw new HymbaError(`${path} is damaged`, {
      expected: "the tiles of matrix products, as JSON",
      hint: "delete the file and run hymba tune again",
    });
  }
  return Object.fromEntries(Object.entries(tiles).filter(([, name]) => Object.hasOwn(MATMUL_TILES, name)));
}

/** Adds tiles to those of an adapter, atomically, also beside other processes. Returns the path of the file. */
export async function keepTiles(
  disk: Disk,
  adapter: TunedAdapter,
  { tiles, folder }: { tiles: TileChoices; folder?: string },
): Promise<string> {
  const path = tileFile(adapter, folder);
  const work = async () => {
    const all = { ...await readTiles(disk, adapter, folder), ...tiles };
    await writeShared(disk, path, `${JSON.stringify({ adapter, tiles: all }, undefined, 2)}\n`);
  };
  await makeFolders(disk, dirname(path));
  await exclusively(disk, `${path}.lock`, { work });
  return path;
}
