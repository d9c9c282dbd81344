/** Texts that are too large for memory. They are read part by part, as often as needed. */
import type { Disk } from "../disk/mod.ts";
import { startSha256 } from "../disk/hash.ts";
import { UsageError } from "../errors.ts";
import { at } from "../lists.ts";
import { basename } from "node:path";
import { wideHint, wideName } from "../tokenizer/encoding.ts";
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
    for await (const part of decodedParts(disk, path, (bytes) => onBytes?.(bytes, file))) {
      last = part.at(-1) ?? last;
      yield part;
    }
  }
}

/** The text of one file. Throws a UsageError if its bytes are not UTF-8. */
async function* decodedParts(disk: Disk, path: string, onBytes: (bytes: Uint8Array) => void): AsyncGenerator<string> {
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
    const other = isFirst ? wideName(bytes) : undefined;
    if (other) {
      throw new UsageError(`${path} is not text in UTF-8`, { expected: "UTF-8", got: other, hint: wideHint(other) });
    }
    isFirst = false;
    onBytes(bytes);
    const text = decoded(bytes);
    if (text !== "") yield text;
  }
  const rest = decoded(undefined);
  if (rest !== "") yield rest;
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
