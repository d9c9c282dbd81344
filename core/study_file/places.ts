/** The place of each key in a TOML text, which the TOML reader does not report. */
import { parse } from "smol-toml";
import { present } from "../lists.ts";

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The names of the tables around a key and its own name, without quotes. */
export type KeyPath = readonly string[];

/** Places of tables and keys, and of the items of lists, by {@link nameIn}. */
interface Places {
  readonly keys: Map<string, Place>;
  readonly items: Map<string, Place[]>;
}

/** A path as the name of an entry. Names can contain dots, so these separate nothing here. */
const nameIn = (path: KeyPath): string => JSON.stringify(path);

/** The name that a quoted key stands for. */
const unquoted = (raw: string): string => present(Object.keys(parse(`${raw} = 0`))[0], "a key");

/** Walks over a TOML text that a TOML reader has accepted. */
class Walker {
  at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(private readonly text: string, private readonly places: Places) {}

  get place(): Place {
    return { line: this.#line, column: this.at - this.#lineStart + 1 };
  }

  get next(): string {
    return this.text[this.at] ?? "";
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

  /** Skips spaces, lines and comments, and these characters. */
  space(these = ""): void {
    for (;;) {
      this.skip(` \t\r\n${these}`);
      if (this.next !== "#") return;
      this.comment();
    }
  }

  /** Skips to the end of the line, but not over it. */
  comment(): void {
    while (this.next !== "" && this.next !== "\n") this.step();
  }

  /** Notes the place of a path, and of the tables around it that were not named before. */
  note(path: KeyPath, place: Place): void {
    for (let length = path.length; length > 0 && !this.places.keys.has(nameIn(path.slice(0, length))); length--) {
      this.places.keys.set(nameIn(path.slice(0, length)), place);
    }
  }

  #starts(word: string): boolean {
    return this.text.startsWith(word, this.at);
  }

  /** Skips a string of any of the four kinds. */
  #string(): void {
    const quote = present(['"""', "'''", '"', "'"].find((one) => this.#starts(one)), "a quote");
    this.step(quote.length);
    while (this.next !== "" && !this.#starts(quote)) this.step(this.next === "\\" && quote[0] === '"' ? 2 : 1);
    this.step(quote.length);
    // A string of three quotes may end with up to two more of them.
    if (quote.length === 3) { while (this.next === quote[0]) this.step(); }
  }

  /** A dotted key in front of `end`, its parts without quotes and escapes. */
  key(end: string): string[] {
    const parts: string[] = [];
    for (;;) {
      this.skip(" \t.");
      if (this.next === "" || this.next === end) return parts;
      const from = this.at;
      if (this.next === '"' || this.next === "'") {
        this.#string();
        parts.push(unquoted(this.text.slice(from, this.at)));
      } else {
        while (/[A-Za-z0-9_-]/.test(this.next)) this.step();
        if (this.at === from) return parts;
        parts.push(this.text.slice(from, this.at));
      }
    }
  }

  /** A key in front of its value, and the value. */
  entry(table: KeyPath): void {
    const place = this.place, path = [...table, ...this.key("=")];
    this.note(path, place);
    this.skip("= \t");
    this.#value(path);
  }

  /** Walks over a value and notes what is inside of it. */
  #value(path: KeyPath): void {
    if (this.next === "{") this.#table(path);
    else if (this.next === "[") this.#list(path);
    else if (this.next === '"' || this.next === "'") this.#string();
    else while (this.next !== "" && !",]}#\n".includes(this.next)) this.step();
  }

  #table(path: KeyPath): void {
    this.step();
    for (this.space(","); this.next !== "" && this.next !== "}"; this.space(",")) {
      const from = this.at;
      this.entry(path);
      if (this.at === from) this.step();
    }
    this.step();
  }

  #list(path: KeyPath): void {
    const items: Place[] = [];
    this.step();
    for (this.space(","); this.next !== "" && this.next !== "]"; this.space(",")) {
      const from = this.at;
      items.push(this.place);
      this.#value([...path, String(items.length - 1)]);
      if (this.at === from) this.step();
    }
    this.step();
    this.places.items.set(nameIn(path), items);
  }
}

/** The places of all tables and keys of a text, also those inside of inline tables. */
export function placesOf(text: string): Places {
  const places: Places = { keys: new Map(), items: new Map() }, walker = new Walker(text, places);
  let table: string[] = [];
  for (;;) {
    walker.space();
    if (walker.next === "") return places;
    const place = walker.place, from = walker.at;
    if (walker.next === "[") {
      walker.skip("[");
      table = walker.key("]");
      walker.note(table, place);
      walker.comment();
    } else walker.entry(table);
    if (walker.at === from) walker.step();
  }
}

/** The place of a path, or of the nearest table or key around it. */
export function placeIn({ keys }: Places, path: KeyPath): Place {
  for (let length = path.length; length > 0; length--) {
    const found = keys.get(nameIn(path.slice(0, length)));
    if (found) return found;
  }
  return { line: 1, column: 1 };
}

/** The places of the items of a list; undefined if the value is no list. */
export const itemsIn = ({ items }: Places, path: KeyPath): readonly Place[] | undefined => items.get(nameIn(path));
