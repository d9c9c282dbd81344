/** `tokenizer encode` and `decode`: from standard input to standard output, in little memory. */
import { UsageError } from "../../core/errors.ts";
import { type Coder, readCoder, TokenStream } from "../../core/tokenizer/coder.ts";
import { DecodeStream } from "../../core/tokenizer/decode_stream.ts";
import { forOutput } from "../ui/terminal.ts";
import type { StreamRequest } from "./stream_words.ts";
import { BLOCK, inputParts, Output, readTokenizerFile } from "./tokenizer_files.ts";

const NEWLINE = 0x0a, SPACE = 0x20, ZERO = 0x30;

/** Carries out a request. */
export async function runStream({ command, model, ...how }: StreamRequest): Promise<void> {
  const coder = await openCoder(model);
  await (command === "encode" ? encode(coder, how) : decode(coder, how));
}

/**
 * Opens a tokenizer. The reader of `tokenizer.json` is loaded only for such a file. The name of its file is computed, because
 * Deno reads every file of a literal import before the program starts.
 */
async function openCoder(path: string): Promise<Coder> {
  const { bytes, json } = await readTokenizerFile(path);
  if (!json) return readCoder(bytes, { name: path });
  const module = new URL("../../core/tokenizer/tokenizer.ts", import.meta.url).href;
  const { insideOf, Tokenizer } = await import(module) as typeof import("../../core/tokenizer/tokenizer.ts");
  return insideOf(await Tokenizer.openJson(new TextDecoder().decode(bytes), { name: path }));
}

/** A piece in a line of output: line breaks are escaped as `\n`. */
const escapedPiece = (piece: string): string =>
  forOutput(piece.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r"));

async function encode(coder: Coder, { pieces, whole }: { pieces: boolean; whole: boolean }): Promise<void> {
  const output = new Output(), stream = new TokenStream(coder);
  const words = pieces ? coder.vocabulary.pieces.map(({ piece }) => escapedPiece(piece)) : undefined;
  let inside = false;
  const print = (ids: Uint32Array) => {
    if (ids.length === 0) return;
    if (inside) output.addByte(SPACE);
    if (words) output.add(Array.from(ids, (id) => words[id] ?? "").join(" "));
    else output.addNumbers(ids);
    inside = true;
  };
  let inLine = false;
  for await (const part of inputParts()) {
    let at = 0;
    for (let stop = part.indexOf(NEWLINE); !whole && stop >= 0; stop = part.indexOf(NEWLINE, at)) {
      print(stream.finish(part.subarray(at, stop)));
      output.addByte(NEWLINE);
      inside = false;
      at = stop + 1;
    }
    inLine = whole || at < part.length;
    print(stream.push(part.subarray(at)));
    await output.flush({ enough: BLOCK });
  }
  if (inLine) {
    print(stream.finish());
    output.addByte(NEWLINE);
  }
  await output.flush();
}

async function decode(coder: Coder, { whole }: { whole: boolean }): Promise<void> {
  const output = new Output(), stream = new DecodeStream(coder);
  let id = -1, position = 0, inLine = false;
  const settle = () => {
    if (id < 0) return "";
    coder.vocabulary.checkId(id, position++);
    const text = stream.push(id);
    id = -1;
    return forOutput(text);
  };
  for await (const part of inputParts()) {
    for (const byte of part) {
      const digit = byte - ZERO;
      inLine = true;
      if (digit >= 0 && digit <= 9) id = Math.min(10 * Math.max(id, 0) + digit, Number.MAX_SAFE_INTEGER);
      else if (byte > SPACE) throw notAnId(byte, position);
      else if (id >= 0) output.add(settle());
      if (byte !== NEWLINE || whole) continue;
      output.add(`${forOutput(stream.finish())}\n`);
      position = 0;
      inLine = false;
    }
    await output.flush({ enough: BLOCK });
  }
  output.add(settle() + forOutput(stream.finish()));
  if (inLine && !whole) output.add("\n");
  await output.flush();
}

function notAnId(byte: number, position: number): UsageError {
  return new UsageError(`decode: no id at position ${position}`, {
    expected: "whole numbers with spaces between, as encode writes them",
    got: JSON.stringify(String.fromCharCode(byte)),
  });
}
