/** Reads a safetensors file from a disk. */
import type { Disk } from "../disk/mod.ts";
import { thisHost } from "../system/mod.ts";
import { checkHeader, decodeSafetensors, LENGTH_BYTES, MAX_HEADER_BYTES, type SafetensorsFile } from "./safetensors.ts";

/** The header of files above this (bytes) is checked before the rest is read. */
const LARGE = 2 ** 26;

/**
 * The same as {@link decodeSafetensors} of the whole file. A file that only claims to be large takes no memory. Throws a DiskError,
 * or a HymbaError that names what is wrong.
 */
export async function readSafetensors(disk: Disk, path: string): Promise<SafetensorsFile> {
  // A browser reads only what a server sends.
  const length = thisHost() === "browser" ? 0 : (await disk.stat(path))?.bytes ?? 0;
  if (length > LARGE) await requireHeader(disk, path);
  return decodeSafetensors(await disk.read(path), { name: path });
}

async function requireHeader(disk: Disk, path: string): Promise<void> {
  const file = await disk.openRanges(path), start = new Uint8Array(LENGTH_BYTES);
  try {
    file.read(0, start);
    const header = Number(new DataView(start.buffer).getBigUint64(0, true));
    const bytes = new Uint8Array(LENGTH_BYTES + Math.min(header, MAX_HEADER_BYTES));
    file.read(0, bytes);
    checkHeader(bytes, { name: path, length: file.bytes });
  } finally {
    file.close();
  }
}
