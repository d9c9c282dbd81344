/** What `tokenizer encode` and `decode` print with --json: everything at the end, as one object. */
import { HymbaError } from "../../core/errors.ts";
import type { Coder } from "../../core/tokenizer/coder.ts";
import { printJson } from "../ui/output.ts";
import type { Sink } from "./tokenizer_files.ts";

/** Ids, pieces and characters that one JSON object may hold. A text of JavaScript has at most 2^29 characters. */
const MOST = 2 ** 24;

/** Keeps what is to be printed. `coder`: pieces instead of ids. */
export class JsonSink implements Sink {
  readonly lines: number[][] = [];
  readonly texts: string[] = [];
  #line: number[] = [];
  #text: string[] = [];
  #held = 0;

  constructor(readonly coder: Coder | undefined) {}

  /** For every text its pieces. Undefined where ids are wanted. */
  get pieces(): string[][] | undefined {
    const pieces = this.coder?.vocabulary.pieces;
    return pieces && this.lines.map((ids) => ids.map((id) => pieces[id]?.piece ?? ""));
  }

  ids(ids: Uint32Array): void {
    this.#hold(ids.length);
    for (const id of ids) this.#line.push(id);
  }

  text(text: string): void {
    if (text === "") return;
    this.#hold(text.length);
    this.#text.push(text);
  }

  end(): void {
    this.lines.push(this.#line);
    this.texts.push(this.#text.join(""));
    this.#line = [];
    this.#text = [];
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  #hold(count: number): void {
    this.#held += count;
    if (this.#held <= MOST) return;
    throw new HymbaError("the result is too long for one JSON object", {
      expected: `at most ${MOST} ids, pieces or characters`,
      hint: "leave out --json: plain output has no limit",
    });
  }
}

/** Prints what a sink has. */
export function printTexts(command: "encode" | "decode", { lines: ids, pieces, texts }: JsonSink): void {
  if (command === "decode") printJson("tokenizer decode", { texts });
  else if (pieces) printJson("tokenizer encode", { pieces });
  else printJson("tokenizer encode", { ids });
}
