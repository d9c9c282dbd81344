/** How files that this program wrote are recognised: by their first bytes, and pictures by a mark that they carry. */
import { crc32 } from "node:zlib";

const encoder = new TextEncoder();

/** Bytes at a place in a file. */
export interface Sign {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Most bytes of the start of a file that are compared. */
export const LONGEST_START = 4096;

/** Pages of this program are recognised by their first bytes, which end in their content security policy. */
const PAGE = /^<!doctype html>[^]*?default-src 'none'/;

/** The signature of a PNG. It is followed by a chunk of fixed length with the size of the picture. */
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), AFTER_SIZE = PNG.length + 25;
/** Enough of the signature to know a PNG. */
const KNOWN = 4;

/** A chunk of a PNG that names this program, as the PNG specification has it: length, type, keyword, text, checksum. */
function softwareChunk(): Uint8Array {
  const named = encoder.encode("tEXtSoftware\0hymba"), chunk = new Uint8Array(named.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, named.length - 4);
  chunk.set(named, 4);
  view.setUint32(named.length + 4, crc32(named));
  return chunk;
}

const MARK = softwareChunk();

/** The first bytes of a drawing, and the same with the mark. */
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"', MARKED_SVG = `${SVG} data-made-by="hymba"`;

const isPng = (content: Uint8Array): boolean => PNG.subarray(0, KNOWN).every((byte, i) => content[i] === byte);

/** A PNG with the mark behind its size. The picture is the same. */
function markedPng(png: Uint8Array): Uint8Array {
  const marked = new Uint8Array(png.length + MARK.length);
  marked.set(png.subarray(0, AFTER_SIZE));
  marked.set(MARK, AFTER_SIZE);
  marked.set(png.subarray(AFTER_SIZE), AFTER_SIZE + MARK.length);
  return marked;
}

/** The content with the mark of this program, if it is a picture. What has the mark already is not changed. */
export function marked(content: Uint8Array | string): Uint8Array | string {
  if (typeof content === "string") {
    return content.startsWith(SVG) && !content.startsWith(MARKED_SVG)
      ? MARKED_SVG + content.slice(SVG.length)
      : content;
  }
  return isPng(content) && !hasSigns(content, signsOf(content)) ? markedPng(content) : content;
}

/** Whether bytes have every sign. */
export const hasSigns = (bytes: Uint8Array, signs: readonly Sign[]): boolean =>
  signs.every(({ at, bytes: wanted }) => wanted.every((byte, i) => bytes[at + i] === byte));

/** What files of the same kind have: a PNG and an SVG the mark, a page its head, and any other text its first line. */
export function signsOf(content: Uint8Array | string): Sign[] {
  const bytes = typeof content === "string" ? encoder.encode(content.slice(0, LONGEST_START)) : content;
  if (isPng(bytes)) return [{ at: 0, bytes: PNG }, { at: AFTER_SIZE, bytes: MARK }];
  const text = new TextDecoder().decode(bytes.subarray(0, LONGEST_START));
  if (text.startsWith(SVG)) return [{ at: 0, bytes: encoder.encode(MARKED_SVG) }];
  const page = PAGE.exec(text);
  if (page) return [{ at: 0, bytes: encoder.encode(page[0]) }];
  return [{ at: 0, bytes: bytes.subarray(0, Math.min(LONGEST_START, bytes.indexOf(0x0a) + 1 || bytes.length)) }];
}
