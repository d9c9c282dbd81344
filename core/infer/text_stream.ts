/** Text as it is made: whole characters only, up to a stop string. */
import { UsageError } from "../errors.ts";
import { SPACE_MARK } from "../tokenizer/bytes.ts";
import { type Coder, insideOf, type Tokenizer } from "../tokenizer/mod.ts";

/** Most ids that are decoded together if no word begins. */
const MOST_IDS = 256;

/** The result of adding a token. */
export interface Added {
  /** Text that later tokens cannot change, and that is no part of a stop string. */
  readonly text: string;
  /** True when a stop string is complete. The text ends before it. */
  readonly stopped: boolean;
}

/** Decodes the tokens that continue a text, one by one. */
export class TextStream {
  readonly #coder: Coder;
  readonly #stops: readonly string[];
  /** Ids of the current word, and the text of it that was already returned. */
  #ids: number[] = [];
  #passed = "";
  /** Text that can be the beginning of a stop string. */
  #held = "";
  #continues: boolean;

  /**
   * `stops`: the text ends before the one that is complete first. `continues`: the tokens follow other text, so a leading space is kept.
   * Throws UsageError for an empty stop string.
   */
  constructor(
    tokenizer: Tokenizer,
    { stops = [], continues = true }: { stops?: readonly string[]; continues?: boolean } = {},
  ) {
    if (stops.includes("")) throw new UsageError("a stop string is empty", { expected: "at least one character" });
    this.#coder = insideOf(tokenizer);
    this.#stops = stops;
    this.#continues = continues;
  }

  /** Adds a token of the vocabulary. After a stop the stream takes no more. */
  push(id: number): Added {
    const { vocabulary, pipeline } = this.#coder, word = vocabulary.pieceOf(id).piece.startsWith(SPACE_MARK);
    const full = this.#ids.length >= MOST_IDS && !this.#decoded().endsWith("\ufffd");
    if (pipeline.decodesInParts && this.#ids.length > 0 && (word || full)) this.#endWord();
    this.#ids.push(id);
    // The bytes of a character that is not complete are decoded to U+FFFD.
    const whole = this.#decoded().replace(/\ufffd+$/u, "");
    if (whole.startsWith(this.#passed)) this.#pass(whole);
    return this.#released();
  }

  /** The rest of the text, after the last token. A character whose last bytes are missing is left out. */
  finish(): Added {
    const last = this.#ids.at(-1), decoded = this.#decoded();
    const own = last !== undefined && this.#coder.vocabulary.pieceOf(last).piece.includes("\ufffd");
    this.#pass(own ? decoded : decoded.replace(/\ufffd+$/u, ""));
    const { text, stopped } = this.#released();
    const rest = stopped ? "" : this.#held;
    this.#held = "";
    return { text: text + rest, stopped };
  }

  #decoded(): string {
    return this.#coder.pipeline.decode(this.#ids, { continues: this.#continues });
  }

  #pass(text: string): void {
    this.#held += text.slice(this.#passed.length);
    this.#passed = text;
  }

  #endWord(): void {
    this.#pass(this.#decoded());
    this.#continues ||= this.#passed.length > 0;
    this.#ids = [];
    this.#passed = "";
  }

  /** Returns the held text that cannot belong to a stop string. */
  #released(): Added {
    // The stop string that is complete first, character by character, wherever tokens begin; of two the longer one.
    const found = this.#stops.map((stop) => ({ at: this.#held.indexOf(stop), length: stop.length }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at + a.length - b.at - b.length || a.at - b.at)[0];
    if (found) {
      const text = this.#held.slice(0, found.at);
      this.#held = "";
      return { text, stopped: true };
    }
    const kept = Math.max(0, ...this.#stops.map((stop) => overlap(this.#held, stop)));
    const text = this.#held.slice(0, this.#held.length - kept);
    this.#held = this.#held.slice(text.length);
    return { text, stopped: false };
  }
}

/** Length of the longest suffix of `text` that is a prefix of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
