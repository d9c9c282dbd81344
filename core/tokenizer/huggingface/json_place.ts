/** Places of values in a JSON text, for errors. */

/** The path of a value: keys and indices from the root. */
export type JsonPath = readonly (string | number)[];

/** Deepest nesting that is accepted. Real tokenizers have less than a tenth of it. */
const MAX_DEPTH = 100;
/**
 * A text must have this many characters for each list and each object. The first thousand of each are not counted. A piece
 * with its score (`["a",-1],`) takes nine characters and an added token over fifty. A file that is made to fill memory starts
 * a list with every third character.
 */
const LIST_CHARACTERS = 8, OBJECT_CHARACTERS = 24, FREE = 1000;
/** Most keys of one object, and most numbers and texts of one list. A Unigram model lists its pieces, each in a list of its own. */
const MAX_MEMBERS = 1000;
const QUOTE = 0x22,
  COLON = 0x3a,
  COMMA = 0x2c,
  BACKSLASH = 0x5c,
  FIRST_PRINTABLE = 0x20,
  OPEN_BRACE = 0x7b,
  OPEN_BRACKET = 0x5b;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Thrown inside this file at the first character that is not JSON. */
class NotJson extends Error {
  constructor(readonly offset: number) {
    super();
  }
}

class Scanner {
  constructor(private readonly text: string) {}

  space(at: number): number {
    SPACE.lastIndex = at;
    SPACE.test(this.text);
    return SPACE.lastIndex;
  }

  match(pattern: RegExp, at: number): number {
    pattern.lastIndex = at;
    if (!pattern.test(this.text)) throw new NotJson(at);
    return pattern.lastIndex;
  }

  string(at: number): number {
    if (this.text[at] !== '"') throw new NotJson(at);
    for (let place = at + 1;;) {
      const code = this.text.charCodeAt(place);
      if (code === QUOTE) return place + 1;
      if (code === BACKSLASH) place = this.match(ESCAPE, place);
      else if (code >= FIRST_PRINTABLE) place++;
      else throw new NotJson(place);
    }
  }

  /** The end of the value at `at`; `visit` sees each member of an object or array. */
  value(
    at: number,
    { depth = 0, visit }: { depth?: number; visit?: (key: string | number, at: number) => void },
  ): number {
    const open = this.text[at];
    if (depth > MAX_DEPTH) throw new NotJson(at);
    if (open === '"') return this.string(at);
    if (open !== "{" && open !== "[") return this.match(LITERAL, at);
    const close = open === "{" ? "}" : "]";
    let place = this.space(at + 1);
    if (this.text[place] === close) return place + 1;
    for (let index = 0;; index++) {
      let key: string | number = index;
      if (open === "{") {
        const end = this.string(place);
        key = String(JSON.parse(this.text.slice(place, end)));
        place = this.space(end);
        if (this.text[place] !== ":") throw new NotJson(place);
        place = this.space(place + 1);
      }
      visit?.(key, place);
      place = this.space(this.value(place, { depth: depth + 1 }));
      if (this.text[place] === close) return place + 1;
      if (this.text[place] !== ",") throw new NotJson(place);
      place = this.space(place + 1);
    }
  }
}

/** The offset of the first character at which `text` stops being JSON; its length when it ends too early. */
export function placeOfSyntaxError(text: string): number {
  const scanner = new Scanner(text);
  try {
    return scanner.space(scanner.value(scanner.space(0), {}));
  } catch (error) {
    if (error instanceof NotJson) return error.offset;
    throw error;
  }
}

/**
 * The first place where a text exceeds these limits, and how; undefined when it does not. Looks only at strings, brackets,
 * colons and commas.
 */
export function excess(text: string): { at: number; what: string; expected: string } | undefined {
  const mostLists = FREE + text.length / LIST_CHARACTERS, mostObjects = FREE + text.length / OBJECT_CHARACTERS;
  const members = new Int32Array(MAX_DEPTH + 1); // for each open level: keys of an object, or plain values of a list
  const inObject: boolean[] = [];
  let depth = 0, lists = 0, objects = 0, inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === COLON || code === COMMA) {
      if (code === (inObject[depth] ? COLON : COMMA) && ++members[depth]! > MAX_MEMBERS) {
        const expected =
          `at most ${MAX_MEMBERS}; only Unigram models are supported, which list their pieces, each with its score`;
        return { at, what: `too many ${inObject[depth] ? "keys in one object" : "values in one list"}`, expected };
      }
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (code === OPEN_BRACE) objects++;
      else lists++;
      if (++depth > MAX_DEPTH) return { at, what: "nested too deep", expected: `at most ${MAX_DEPTH} levels` };
      if (lists > mostLists) return { at, what: "too many lists", expected: `at most ${Math.floor(mostLists)}` };
      if (objects > mostObjects) {
        return { at, what: "too many objects", expected: `at most ${Math.floor(mostObjects)}` };
      }
      if (!inObject[depth - 1]) members[depth - 1]!--; // a list of lists is no list of values
      members[depth] = 0;
      inObject[depth] = code === OPEN_BRACE;
    } else if (code === OPEN_BRACE + 2 || code === OPEN_BRACKET + 2) depth--;
  }
  return undefined;
}

/** The offset of the value at `path`, or of the deepest value on the way to it that exists. `text` must be JSON. */
export function placeOf(text: string, path: JsonPath): number {
  const scanner = new Scanner(text);
  let at = scanner.space(0);
  for (const step of path) {
    let found = -1;
    const visit = (key: string | number, place: number) => {
      if (key === step) found = place;
    };
    scanner.value(at, { visit });
    if (found < 0) return at;
    at = found;
  }
  return at;
}
