/** The place of each key in a TOML text, which the TOML reader does not report. */
import { present } from "../lists.ts";

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Walks over a TOML text that a TOML reader has accepted. */
class Walker {
  at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(private readonly text: string) {}

  get place(): Place {
    return { line: this.#line, column: this.at - this.#lineStart + 1 };
  }

  get next(): string {
    return this.text[this.at] ?? "";
  }

  starts(word: string): boolean {
    return this.text.startsWith(word, this.at);
  }

  step(count = 1): void {
    for (let i = 0; i < count; i++) {
      if (this.text[this.at++] !== "\n") continue;
      this.#line++;
      this.#lineStart = this.at;
    }
  }

  skip(these: string): void {
    while (this.next !== "" && these.includes(this.next)) this.step();
  }

  /** Skips to the end of the line, but not over it. */
  comment(): void {
    while (this.next !== "" && this.next !== "\n") this.step();
  }

  /** Skips a string of any of the four kinds. */
  string(): void {
    const quote = present(['"""', "'''", '"', "'"].find((one) => this.starts(one)), "a quote");
    this.step(quote.length);
    while (this.next !== "" && !this.starts(quote)) this.step(this.next === "\\" && quote[0] === '"' ? 2 : 1);
    this.step(quote.length);
    // A string of three quotes may end with up to two more of them.
    if (quote.length === 3) { while (this.next === quote[0]) this.step(); }
  }

  /** A dotted key in front of `end`, its parts without quotes. */
  key(end: string): string[] {
    const parts: string[] = [];
    for (;;) {
      this.skip(" \t.");
      if (this.next === "" || this.starts(end)) return parts;
      const from = this.at;
      if (this.next === '"' || this.next === "'") {
        this.string();
        parts.push(this.text.slice(from + 1, this.at - 1));
      } else {
        while (/[A-Za-z0-9_-]/.test(this.next)) this.step();
        if (this.at === from) return parts;
        parts.push(this.text.slice(from, this.at));
      }
    }
  }

  /** Skips a value: to the end of its line, or over lines where brackets are open. */
  value(): void {
    for (let depth = 0; this.next !== "";) {
      if (this.next === '"' || this.next === "'") this.string();
      else if (this.next === "#") this.comment();
      else if (this.next === "\n" && depth === 0) return;
      else {
        if ("[{".includes(this.next)) depth++;
        if ("]}".includes(this.next)) depth--;
        this.step();
      }
    }
  }
}

/** The places of all tables and keys of a text, by dotted path. Keys inside of inline tables are found at their table. */
export function placesOf(text: string): Map<string, Place> {
  const walker = new Walker(text), places = new Map<string, Place>();
  let table: string[] = [];
  const note = (path: readonly string[], place: Place) => {
    const name = path.join(".");
    if (!places.has(name)) places.set(name, place);
  };
  for (;;) {
    walker.skip(" \t\r\n");
    if (walker.next === "") return places;
    const place = walker.place;
    if (walker.next === "#") walker.comment();
    else if (walker.next === "[") {
      walker.skip("[");
      table = walker.key("]");
      note(table, place);
      walker.comment();
    } else {
      note([...table, ...walker.key("=")], place);
      walker.value();
    }
  }
}

/** The place of a path, or of the nearest table or key around it. */
export function placeIn(places: ReadonlyMap<string, Place>, path: string): Place {
  for (let name = path; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const found = places.get(name);
    if (found) return found;
  }
  return { line: 1, column: 1 };
}
