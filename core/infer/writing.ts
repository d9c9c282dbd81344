/** One text that a model generates. The caller can stop it, append text, and continue. */
import { at } from "../lists.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { drawn, type SamplingOptions } from "./generate.ts";
import type { DecodeSession } from "./session.ts";
import { TextStream } from "./text_stream.ts";

export interface WritingOptions extends SamplingOptions {
  /** The text ends before the first of these. A stop string may span several tokens. */
  readonly stops?: readonly string[];
  /**
   * Draw no token after a stop string, so that more text can be appended there. Then every token is read before the next is
   * drawn.
   */
  readonly exactStop?: boolean;
}

export class Writing {
  /** Number of tokens that the last `write` drew up to its end or stop, and their time in seconds. */
  last: { readonly tokens: number; readonly seconds: number; readonly stopped: boolean } = {
    tokens: 0,
    seconds: 0,
    stopped: false,
  };

  constructor(private readonly tokenizer: Tokenizer, private readonly session: DecodeSession) {}

  /** Generates more text. Yields it as it is generated: whole characters, without stop strings. */
  async *write({ stops, exactStop, ...sampling }: WritingOptions): AsyncGenerator<string, void, void> {
    const text = new TextStream(this.tokenizer, { stops }), start = performance.now();
    let tokens = 0, stopped = false;
    const note = () => {
      this.last = { tokens, seconds: (performance.now() - start) / 1000, stopped };
    };
    for await (const rows of drawn(this.session, { ...sampling, each: exactStop })) {
      let made = "";
      for (const row of rows) {
        const added = text.push(at(row, 0));
        made = made + added.text;
        tokens = tokens + 1;
        stopped = added.stopped;
        if (stopped) break;
      }
      note();
      if (made !== "") yield made;
      if (stopped) return;
    }
    const rest = text.finish();
    stopped = rest.stopped;
    note();
    if (rest.text !== "") yield rest.text;
  }

  /** Appends text of the caller. Does nothing if it has no token. */
  async append(text: string): Promise<void> {
    const ids = this.tokenizer.encode(text);
    if (ids.length > 0) await this.session.append([ids]);
  }

  /** Tokens of the text so far. */
  get tokens(): number {
    return this.session.tokens;
  }

  /** Bytes of the caches. */
  get cacheBytes(): number {
    return this.session.cacheBytes;
  }

  dispose(): void {
    this.session.dispose();
  }
}
