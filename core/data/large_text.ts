/** Texts that are too large for memory. They are read part by part, as often as needed. */
import type { Disk } from "../disk/mod.ts";
import { startSha256 } from "../disk/hash.ts";
import { UsageError } from "../errors.ts";
import { utf16Hint, utf16Name } from "../tokenizer/encoding.ts";
import { unpackedParts } from "./packed.ts";

/** A text in parts. */
export interface TextStream {
  /** UTF-16 units of the whole text. */
  readonly characters: number;
  /** The text in parts, in order. No part ends within a character. */
  parts(): AsyncGenerator<string>;
}

/** A stream with the facts for the run record. */
export interface ScannedText {
  readonly stream: TextStream;
  /** Size of the text in UTF-8, and its SHA-256. For one file: of its own bytes. For several files: of the joined text. */
  readonly bytes: number;
  readonly sha256: string;
}

/** The texts of several files, joined. A file that does not end with a line break gets one. */
async function* joinedParts(disk: Disk, paths: readonly string[], onBytes?: (bytes: Uint8Array) => void) {
  let last = "\n";
  for (const path of paths) {
    if (last !== "\n") yield "\n";
    for await (const part of decodedParts(disk, path, onBytes)) {
      last = part.at(-1) ?? last;
      yield part;
    }
  }
}

/** The text of one file. Throws a UsageError if its bytes are not UTF-8. */
async function* decodedParts(disk: Disk, path: string, onBytes?: (bytes: Uint8Array) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let isFirst = true;
  const decoded = (bytes: Uint8Array | undefined) => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch {
      throw new UsageError(`${path} is not UTF-8 text`, {
        expected: "UTF-8",
        got: "bytes that are not UTF-8",
        hint: "give a UTF-8 text file with --data FILE",
      });
    }
  };
  for await (const bytes of unpackedParts(disk, path)) {
    const other = isFirst ? utf16Name(bytes) : undefined;
    if (other) {
      throw new UsageError(`${path} is not text in UTF-8`, { expected: "UTF-8", got: other, hint: utf16Hint(other) });
    }
    isFirst = false;
    onBytes?.(bytes);
    const text = decoded(bytes);
    if (text !== "") yield text;
  }
  const rest = decoded(undefined);
  if (rest !== "") yield rest;
}

/** Reads files once, to measure them and to check that they are text. Throws a UsageError if one is not. */
export async function scanText(disk: Disk, paths: readonly string[]): Promise<ScannedText> {
  const hash = startSha256(), encoder = new TextEncoder(), alone = paths.length === 1;
  let bytes = 0, characters = 0;
  const add = (part: Uint8Array) => {
    bytes += part.length;
    hash.update(part);
  };
  for await (const part of joinedParts(disk, paths, alone ? add : undefined)) {
    characters += part.length;
    if (!alone) add(encoder.encode(part));
  }
  const stream = { characters, parts: () => joinedParts(disk, paths) };
  return { stream, bytes, sha256: hash.digest("hex") };
}
