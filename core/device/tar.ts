/** Reads tar archives. */
import { HymbaError } from "../errors.ts";

const BLOCK = 512;

/**
 * The regular files of a tar archive by name, as views into the archive. Reads the ustar layout: 512-byte headers (name at 0,
 * size in octal at 124, type at 156), contents padded to whole blocks. Links and folders are skipped.
 */
export function readTar(archive: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const field = (at: number, length: number) =>
    new TextDecoder().decode(archive.subarray(at, at + length)).replace(/\0.*$/s, "").trim();
  for (let at = 0; at + BLOCK <= archive.length;) {
    const name = field(at, 100);
    if (name === "") break;
    const bytes = parseInt(field(at + 124, 12), 8);
    const start = at + BLOCK;
    if (!Number.isFinite(bytes) || start + bytes > archive.length) {
      throw new HymbaError("the tar archive is truncated or damaged", { got: `entry ${JSON.stringify(name)}` });
    }
    const type = field(at + 156, 1);
    if (type === "0" || type === "") files.set(name, archive.subarray(start, start + bytes));
    at = start + Math.ceil(bytes / BLOCK) * BLOCK;
  }
  return files;
}
