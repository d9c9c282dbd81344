/**
 * Where an Oniguruma pattern ignores case, several letters may count as one: `ss` matches `ß`, and `ß` matches `SS`. JavaScript has no
 * such rule, so a pattern in which this can happen is found here, and refused.
 */

/** Characters whose folded form has several characters, with that form: `ß` and `ss`. */
const manyOf = (): Map<string, string> =>
  many ??= new Map(
    Array.from({ length: 0xffff }, (_, code) => String.fromCharCode(code))
      .map((letter) => [letter, folded(letter)] as const).filter(([, form]) => form.length > 1),
  );
let many: Map<string, string> | undefined;

/** A character in the form in which cases are compared. */
const folded = (letter: string): string => letter.toLowerCase().toUpperCase().toLowerCase();

/** A part of a pattern: a comment, flags, the start of a group, a class with its brackets, a quantifier, an escape, or a character. */
const PART =
  /\(\?#[^)]*\)|\(\?(?<on>[a-zA-Z]*)(?:-(?<off>[a-zA-Z]+))?(?<end>[:)])|\((?:\?(?:<?[=!]|>|~|<[^>]*>))?|[?*+][?+]?|\{\d*,?\d*\}|\\x\{(?<long>[\da-fA-F]+)\}|\\x(?<short>[\da-fA-F]{2})|\\u(?<four>[\da-fA-F]{4})|\\[pP]\{[^}]*\}|\\[^]|[^]/gu;

/** How a pattern is read at one place: whether case is ignored, and whether spaces are (`x`). */
interface Mode {
  readonly folds: boolean;
  readonly spaced: boolean;
  /** The group is `(?:…)`, so the letters around its brackets are neighbours. */
  readonly plain: boolean;
}

const modeWith = (mode: Mode, on: string, off: string): Mode => {
  const has = (flag: string, before: boolean) => on.includes(flag) || before && !off.includes(flag);
  return { folds: has("i", mode.folds), spaced: has("x", mode.spaced), plain: on === "" && off === "" };
};

/** The end of a character class that starts at `from`, behind its last bracket. */
function endOfClass(source: string, from: number): number {
  let depth = 0;
  for (let i = from; i < source.length; i++) {
    const letter = source[i];
    if (letter === "\\") i++;
    else if (letter === "[") depth++;
    else if (letter === "]" && --depth === 0) return i + 1;
  }
  return source.length;
}

/** Whether nothing can follow a match that ends here: the rest is a quantifier, and the end of the pattern or of a choice. */
const isLast = (rest: string, depth: number): boolean =>
  (depth === 0 ? /^(?:[?*+][?+]?|\{\d*,?\d*\})?(?:\||$)/ : /^(?:[?*+][?+]?|\{\d*,?\d*\})?\)+$/).test(rest);

/** A pattern that is read once, from left to right. */
class Reader {
  readonly #source: string;
  readonly #matcherOf: (characterClass: string) => RegExp;
  #mode: Mode = { folds: false, spaced: false, plain: false };
  readonly #outer: Mode[] = [];
  /** Neighbouring letters in folded form. */
  #run = "";
  #found: string | undefined;

  constructor(source: string, matcherOf: (characterClass: string) => RegExp) {
    this.#source = source;
    this.#matcherOf = matcherOf;
  }

  read(): string | undefined {
    const parts = new RegExp(PART.source, PART.flags);
    for (let part = parts.exec(this.#source); part && this.#found === undefined; part = parts.exec(this.#source)) {
      if (part[0] === "[") parts.lastIndex = this.#class(part.index);
      else if (part[0] === "#" && this.#mode.spaced) parts.lastIndex = this.#endOfLine(part.index);
      else this.#take(part[0], part.groups ?? {});
    }
    this.#end();
    return this.#found;
  }

  #endOfLine(from: number): number {
    const end = this.#source.indexOf("\n", from);
    return end < 0 ? this.#source.length : end;
  }

  #take(part: string, { on, off = "", end, long, short, four }: Partial<Record<string, string>>): void {
    const code = long ?? short ?? four;
    if (part.startsWith("(?#") || this.#mode.spaced && /^\s$/.test(part) || /^\{1(?:,1)?\}$/.test(part)) return;
    if (end === ")") this.#flags(on ?? "", off);
    else if (part.startsWith("(")) this.#open(on ?? (part === "(" ? "capture" : "look"), off, end);
    else if (part === ")") this.#close();
    else if (/^(?:[?*+]|\{\d)/.test(part)) this.#repeat();
    else if (code !== undefined) this.#letter(letterOf(Number.parseInt(code, 16)));
    else if (/^[\\|.^$]/.test(part)) this.#end();
    else this.#letter(part);
  }

  #flags(on: string, off: string): void {
    this.#end();
    this.#mode = { ...modeWith(this.#mode, on, off), plain: this.#mode.plain };
  }

  #open(on: string, off: string, end: string | undefined): void {
    this.#outer.push(this.#mode);
    this.#mode = end === ":" ? modeWith(this.#mode, on, off) : { ...this.#mode, plain: false };
    if (!this.#mode.plain) this.#end();
  }

  #close(): void {
    this.#check();
    if (!this.#mode.plain) this.#run = "";
    this.#mode = this.#outer.pop() ?? this.#mode;
  }

  /** A quantifier belongs to the last letter alone, which then has no neighbours. */
  #repeat(): void {
    this.#run = this.#run.slice(0, -1);
    this.#end();
  }

  #letter(letter: string): void {
    if (this.#mode.folds) this.#run += folded(letter);
    else this.#end();
    if (this.#mode.folds && folded(letter).length > 1) this.#found ??= letter;
  }

  #end(): void {
    this.#check();
    this.#run = "";
  }

  #check(): void {
    this.#found ??= [...manyOf().values()].find((form) => this.#run.includes(form));
  }

  /**
   * A class that has `ß` also matches `ss`, but only where the class alone, which is tried first, leads to no match. Returns where the
   * class ends.
   */
  #class(from: number): number {
    this.#end();
    const end = endOfClass(this.#source, from), text = this.#source.slice(from, end);
    if (!this.#mode.folds || text.startsWith("[^")) return end;
    const matcher = this.#matcherOf(text), has = (letter: string) => matcher.test(letter);
    const members = [...manyOf()].filter(([letter]) => has(letter));
    const last = isLast(this.#source.slice(end), this.#outer.length);
    const odd = members.find(([, form]) => !last || !has(form.slice(0, 1)));
    if (odd) this.#found ??= odd[0];
    return end;
  }
}

const letterOf = (code: number): string => code <= 0x10ffff ? String.fromCodePoint(code) : "";

/**
 * The letters of a pattern for which Oniguruma takes several letters as one, or one as several; undefined where it does not.
 * `matcherOf` compiles a character class, such that it ignores case.
 */
export const manyForOne = (source: string, matcherOf: (characterClass: string) => RegExp): string | undefined =>
  new Reader(source, matcherOf).read();

/** Letters that {@link manyForOne} found, in words: what else Oniguruma takes for them. */
export function othersOf(letters: string): string {
  const form = folded(letters);
  const others = [form, ...[...manyOf()].filter(([, own]) => own === form).map(([letter]) => letter)];
  return others.filter((other) => other !== letters).map((other) => JSON.stringify(other)).join(" and ");
}
