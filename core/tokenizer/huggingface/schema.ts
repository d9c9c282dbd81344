/** Reads members of a `tokenizer.json` by type; every error names the file, the path and the offset. */
import { HymbaError } from "../../errors.ts";
import { compilePattern, PatternRefused } from "./patterns.ts";
import { excess, type JsonPath, placeOf, placeOfSyntaxError } from "./json_place.ts";

/** Matches a `tokenizer.json` whose model is of another kind. */
const OTHER_MODEL = /"type"\s*:\s*"(BPE|WordPiece|WordLevel)"/;

/** A value inside a JSON file, with its path. */
export class JsonNode {
  constructor(
    readonly value: unknown,
    private readonly file: { name: string; text: string },
    readonly path: JsonPath = [],
  ) {}

  /** Parses a file. @throws {HymbaError} with the offset of the first character that is not JSON. */
  static parse(file: string, name: string): JsonNode {
    const text = file.replace(/^\ufeff/, ""), tooMuch = excess(text);
    if (tooMuch) {
      const { at, what, expected } = tooMuch, other = OTHER_MODEL.exec(text)?.[1];
      if (other) throw new HymbaError(`${name}: not a Unigram model`, { expected: "Unigram", got: other });
      throw new HymbaError(`${name}: damaged at character ${at}: ${what}`, { expected });
    }
    try {
      return new JsonNode(JSON.parse(text), { name, text });
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      const place = placeOfSyntaxError(text),
        what = place >= text.length ? "the file is cut short" : "this is not JSON";
      throw new HymbaError(`${name}: damaged at character ${place}: ${what}`, { cause });
    }
  }

  /** An error about this value. */
  error(what: string, expected?: string): HymbaError {
    const place = placeOf(this.file.text, this.path), got = JSON.stringify(this.value)?.slice(0, 80) ?? "nothing";
    const where = this.path.length > 0 ? `${this.path.join(".")}: ` : "";
    return new HymbaError(`${this.file.name}: at character ${place}: ${where}${what}`, { expected, got });
  }

  /** Offset of the member at `path`, counted in UTF-16 units. */
  placeOf(path: JsonPath): number {
    return placeOf(this.file.text, [...this.path, ...path]);
  }

  /** A member; its value is undefined when there is none. */
  get(key: string | number): JsonNode {
    const inside = typeof this.value === "object" && this.value !== null && Object.hasOwn(this.value, key);
    const value = inside ? (this.value as Record<string | number, unknown>)[key] : undefined;
    return new JsonNode(value, this.file, [...this.path, key]);
  }

  get missing(): boolean {
    return this.value === undefined || this.value === null;
  }

  text(fallback?: string): string {
    if (this.missing && fallback !== undefined) return fallback;
    if (typeof this.value !== "string") throw this.error("wrong type", "a text");
    return this.value;
  }

  flag(fallback: boolean): boolean {
    if (this.missing) return fallback;
    if (typeof this.value !== "boolean") throw this.error("wrong type", "true or false");
    return this.value;
  }

  number(): number {
    if (typeof this.value !== "number" || !Number.isFinite(this.value)) throw this.error("wrong type", "a number");
    return this.value;
  }

  /** A whole number from 0. */
  index(fallback?: number): number {
    if (this.missing && fallback !== undefined) return fallback;
    const value = this.number();
    if (!Number.isInteger(value) || value < 0 || value > 2 ** 31) {
      throw this.error("wrong value", "a whole number from 0");
    }
    return value;
  }

  object(): this {
    const plain = typeof this.value === "object" && this.value !== null && !Array.isArray(this.value);
    if (!plain) throw this.error("wrong type", "an object");
    return this;
  }

  /** Elements of a list; a missing one counts as empty. */
  get length(): number {
    if (this.missing) return 0;
    if (!Array.isArray(this.value)) throw this.error("wrong type", "a list");
    return this.value.length;
  }

  /** The result of `make` for each element of a list. Elements are made one at a time, because a list may have millions. */
  map<T>(make: (element: JsonNode, i: number) => T): T[] {
    const made: T[] = [], { length } = this;
    for (let i = 0; i < length; i++) made.push(make(this.get(i), i));
    return made;
  }

  /** The elements of a list; a missing one counts as empty. */
  list(): JsonNode[] {
    return this.map((element) => element);
  }

  /** A pattern: `{"String": …}` or `{"Regex": …}`. */
  pattern(): RegExp {
    const literal = this.get("String");
    if (!literal.missing) return new RegExp(RegExp.escape(literal.text()), "gu");
    try {
      return compilePattern(this.get("Regex").text());
    } catch (error) {
      if (error instanceof PatternRefused) throw this.error(error.message);
      throw error;
    }
  }
}
