/** `tokenizer encode` and `decode`: from standard input to standard output, in little memory. */
import { UsageError } from "../../core/errors.ts";
import { type Coder, readCoder, TokenStream } from "../../core/tokenizer/coder.ts";
import { DecodeStream } from "../../core/tokenizer/decode_stream.ts";
import { utf8Parts } from "../../core/tokenizer/utf8_text.ts";
import { forOutput } from "../ui/terminal.ts";
import type { StreamRequest } from "./stream_words.ts";
import { BLOCK, inputParts, Output, readTokenizerFile, type Sink } from "./tokenizer_files.ts";

const NEWLINE = 0x0a, SPACE = 0x20, ZERO = 0x30;

/** Carries out a request. */
export async function runStream({ command, model, json, pieces, whole }: StreamRequest): Promise<void> {
  const coder = await openCoder(model);
  if (json) {
    const { printTexts, JsonSink } = await import("./tokenizer_json.ts");
    const sink = new JsonSink(pieces ? coder : undefined);
    await (command === "encode" ? encode(coder, sink, { whole }) : decode(coder, sink, { whole }));
    return printTexts(command, sink);
  }
  const sink = new TextSink(pieces ? escapedPieces(coder) : undefined, {
    end: command === "decode" && whole ? "" : "\n",
  });
  await (command === "encode" ? encode(coder, sink, { whole }) : decode(coder, sink, { whole }));
}

/**
 * Opens a tokenizer. The reader of `tokenizer.json` is loaded only for such a file. The name of its file is computed, because
 * Deno reads every file of a literal import before the program starts.
 */
async function openCoder(path: string): Promise<Coder> {
  const { bytes, json } = await readTokenizerFile(path);
  if (json === undefined) return readCoder(bytes, { name: path });
  const module = new URL("../../core/tokenizer/tokenizer.ts", import.meta.url).href;
  const { insideOf, Tokenizer } = await import(module) as typeof import("../../core/tokenizer/tokenizer.ts");
  return insideOf(await Tokenizer.openJson(json, { name: path }));
}

/** A piece in a line of output: line breaks are escaped as `\n`. */
const escapedPiece = (piece: string): string =>
  forOutput(piece.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r"));

/** The pieces by id, as lines of output have them. */
const escapedPieces = (coder: Coder): string[] => coder.vocabulary.pieces.map(({ piece }) => escapedPiece(piece));

/** Standard output. `words`: the pieces by id, to be printed instead of ids. */
class TextSink implements Sink {
  readonly #output = new Output();
  #inside = false;

  constructor(readonly words: readonly string[] | undefined, readonly options: { end: string }) {}

  ids(ids: Uint32Array): void {
    if (ids.length === 0) return;
    if (this.#inside) this.#output.addByte(SPACE);
    const { words } = this;
    if (words) this.#output.add(Array.from(ids, (id) => words[id] ?? "").join(" "));
    else this.#output.addNumbers(ids);
    this.#inside = true;
  }

  text(text: string): void {
    if (text !== "") this.#output.add(forOutput(text));
  }

  end(): void {
    this.#output.add(this.options.end);
    this.#inside = false;
  }

  flush(options?: { enough: number }): Promise<void> {
    return this.#output.flush(options);
  }
}

async function encode(coder: Coder, sink: Sink, { whole }: { whole: boolean }): Promise<void> {
  const stream = new TokenStream(coder);
  let inLine = false;
  for await (const { bytes: part } of utf8Parts(inputParts(), "standard input")) {
    let at = 0;
    for (let stop = part.indexOf(NEWLINE); !whole && stop >= 0; stop = part.indexOf(NEWLINE, at)) {
      sink.ids(stream.finish(part.subarray(at, stop)));
      sink.end();
      at = stop + 1;
    }
    inLine = whole || at < part.length;
    sink.ids(stream.push(part.subarray(at)));
    await sink.flush({ enough: BLOCK });
  }
  if (inLine) {
    sink.ids(stream.finish());
    sink.end();
  }
  await sink.flush();
}

async function decode(coder: Coder, sink: Sink, { whole }: { whole: boolean }): Promise<void> {
  const stream = new DecodeStream(coder);
  let id = -1, position = 0, inLine = false;
  const settle = () => {
    if (id < 0) return;
    coder.vocabulary.checkId(id, position++);
    sink.text(stream.push(id));
    id = -1;
  };
  for await (const part of inputParts()) {
    for (const byte of part) {
      const digit = byte - ZERO;
      inLine = true;
      if (digit >= 0 && digit <= 9) id = Math.min(10 * Math.max(id, 0) + digit, Number.MAX_SAFE_INTEGER);
      else if (byte > SPACE) throw notAnId(byte, position);
      else settle();
      if (byte !== NEWLINE || whole) continue;
      sink.text(stream.finish());
      sink.end();
      position = 0;
      inLine = false;
    }
    await sink.flush({ enough: BLOCK });
  }
  settle();
  sink.text(stream.finish());
  if (inLine) sink.end();
  await sink.flush();
}

function notAnId(byte: number, position: number): UsageError {
  return new UsageError(`decode: no id at position ${position}`, {
    expected: "whole numbers with spaces between, as encode writes them",
    got: JSON.stringify(String.fromCharCode(byte)),
  });
}
