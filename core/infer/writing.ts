/** One text that a model writes. It can be stopped, get more text from outside, and be continued. */
import { at } from "../lists.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { drawn, type SamplingOptions } from "./generate.ts";
import type { DecodeSession } from "./session.ts";
import { TextStream } from "./text_stream.ts";

export interface WritingOptions extends SamplingOptions {
  /** The text ends in front of the first of these, also where one begins in one token and ends in another. */
  readonly stops?: readonly string[];
  /** Draw no token behind a stop string, so that more text can be appended there. Each token is then read by itself. */
  readonly goesOn?: boolean;
}

export class Writing {
  /** Tokens that the last `write` drew up to its end or stop, and seconds that they took. */
  last: { readonly tokens: number; readonly seconds: number; readonly stopped: boolean } = {
    ...{ tokens: 0, seconds: 0, stopped: false },
  };

  constructor(private readonly tokenizer: Tokenizer, private readonly session: DecodeSession) {}

  /** Writes more. Yields text as it is made: whole characters, nothing of a stop string. */
  async *write({ stops, goesOn, ...sampling }: WritingOptions): AsyncGenerator<string, void, void> {
    const text = new TextStream(this.tokenizer, { stops }), start = performance.now();
    let tokens = 0, stopped = false;
    const note = () => this.last = { tokens, seconds: (performance.now() - start) / 1000, stopped };
    for await (const rows of drawn(this.session, { ...sampling, each: goesOn })) {
      let made = "";
      for (const row of rows) {
        const added = text.push(at(row, 0));
        [made, tokens, stopped] = [made + added.text, tokens + 1, added.stopped];
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

  /** Appends text of the reader. Nothing happens when it has no token. */
  async append(text: string): Promise<void> {
    const ids = this.tokenizer.encode(text);
    if (ids.length > 0) await this.session.append([ids]);
  }

  /** Bytes of the caches. */
  get cacheBytes(): number {
    return this.session.cacheBytes;
  }

  dispose(): void {
    this.session.dispose();
  }
}
