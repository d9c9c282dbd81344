/** Texts that are too large for memory. They are read part by part, as often as needed. */
import type { Disk } from "../disk/mod.ts";
import { startSha256 } from "../disk/hash.ts";
import { at } from "../lists.ts";
import { basename } from "node:path";
import { utf8Parts } from "../tokenizer/utf8_text.ts";
import { unpackedParts } from "./packed.ts";

/** A text in parts. */
export interface TextStream {
  /** UTF-16 units of the whole text. */
  readonly characters: number;
  /** The text in parts, in order. No part ends within a character. */
  parts(): AsyncGenerator<string>;
}

/** One of several files of a text: its name without a folder, and size and SHA-256 of its unpacked bytes. */
export interface TextFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A stream with the facts for the run record. */
export interface ScannedText {
  readonly stream: TextStream;
  /** Size of the text in UTF-8, and its SHA-256. For one file: of its own bytes. For several files: of the joined text. */
  readonly bytes: number;
  readonly sha256: string;
  /** The files in their order, if there are several. */
  readonly files?: readonly TextFile[];
}

/** The texts of several files, joined. A file that does not end with a line break gets one. */
async function* joinedParts(disk: Disk, paths: readonly string[], onBytes?: (bytes: Uint8Array, file: number) => void) {
  let last = "\n";
  for (const [file, path] of paths.entries()) {
    if (last !== "\n") yield "\n";
    for await (const { text } of utf8Parts(seenParts(disk, path, (bytes) => onBytes?.(bytes, file)), path)) {
      last = text.at(-1) ?? last;
      yield text;
    }
  }
}

/** The unpacked bytes of one file. `onBytes` sees each part. */
async function* seenParts(disk: Disk, path: string, onBytes: (bytes: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  for await (const bytes of unpackedParts(disk, path)) {
    onBytes(bytes);
    yield bytes;
  }
}

/** Counts and hashes bytes. */
function startFacts() {
  const hash = startSha256();
  let bytes = 0;
  const add = (part: Uint8Array) => {
    bytes += part.length;
    hash.update(part);
  };
  return { add, facts: () => ({ bytes, sha256: hash.digest("hex") }) };
}

/** Reads files once, to measure them and to check that they are text. Throws a UsageError if one is not. */
export async function scanText(disk: Disk, paths: readonly string[]): Promise<ScannedText> {
  const own = paths.map(startFacts), joined = startFacts(), encoder = new TextEncoder();
  let characters = 0;
  for await (const part of joinedParts(disk, paths, (bytes, file) => own[file]?.add(bytes))) {
    characters += part.length;
    if (paths.length > 1) joined.add(encoder.encode(part));
  }
  const stream = { characters, parts: () => joinedParts(disk, paths) };
  if (paths.length === 1) return { stream, ...at(own, 0).facts() };
  const files = paths.map((path, i) => ({ name: basename(path), ...at(own, i).facts() }));
  return { stream, ...joined.facts(), files };
}
