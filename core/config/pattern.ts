/**
 * The layer pattern: a short text that describes each layer, such as "h 5l h" or "7m:g".
 *
 * Letters: h attention and Mamba side by side with full attention, l the same with a window, m Mamba, g full attention, w
 * attention with a window. A number in front repeats a letter or a group: "3m", "2(m m g)". A star behind a letter or a group
 * repeats it as often as fits into the model's layers: "h l* h". A ratio fills the layers that are left as evenly as it can:
 * "7m:g" puts one g among eight layers, near their middle.
 */
import { ArchType } from "./options.ts";

/** The letters of a pattern. */
const LAYER_LETTERS = ["h", "l", "m", "g", "w"] as const;
export type LayerLetter = typeof LAYER_LETTERS[number];

/** The meaning of a letter. */
export const LETTERS: Readonly<Record<LayerLetter, { attention: boolean; mamba: boolean; window: boolean }>> = {
  h: { attention: true, mamba: true, window: false },
  l: { attention: true, mamba: true, window: true },
  m: { attention: false, mamba: true, window: false },
  g: { attention: true, mamba: false, window: false },
  w: { attention: true, mamba: false, window: true },
};

/** Layers in a row; `fill` where their number depends on the model. */
type Item =
  | { readonly fill?: undefined; readonly letters: readonly LayerLetter[] }
  | { readonly fill: "repeat"; readonly letters: readonly LayerLetter[] }
  | { readonly fill: "ratio"; readonly shares: readonly { readonly letter: LayerLetter; readonly count: number }[] };

/** The fault of an invalid pattern: what was expected, and where. */
export interface PatternFault {
  readonly expected: string;
  readonly got: string;
  /** The pattern itself is right, and does not have the length of the model. */
  readonly isOfLength?: boolean;
}

/** What an item of a pattern is; the number stands in front of what it repeats, not behind. */
const NEXT_LAYER = `a layer (${
  LAYER_LETTERS.join(", ")
}) or a group in brackets, repeated by a number in front: 3m, 2(m g)`;

/** Most layers that a count may ask for; a model has fewer. */
const MOST = 1024;

class PatternError extends Error {
  constructor(readonly fault: PatternFault) {
    super(fault.expected);
  }
}

class Reader {
  #at = 0;
  constructor(private readonly text: string) {}

  get #next(): string {
    return this.text[this.#at] ?? "";
  }

  #skip(): void {
    while (/\s/.test(this.#next)) this.#at++;
  }

  fail(expected: string): never {
    const rest = this.text.slice(this.#at, this.#at + 20);
    throw new PatternError({ expected, got: rest === "" ? "the end of the pattern" : rest });
  }

  #take(character: string): boolean {
    this.#skip();
    if (this.#next !== character) return false;
    this.#at++;
    return true;
  }

  /** A number from 1, or 1 if there is none. */
  #count(): number {
    this.#skip();
    const [digits] = /^\d+/.exec(this.text.slice(this.#at, this.#at + 6)) ?? [""];
    const count = digits === "" ? 1 : Number(digits);
    if (count < 1 || count > MOST) this.fail(`a number of layers from 1 to ${MOST}`);
    this.#at += digits.length;
    return count;
  }

  #letter(): LayerLetter | undefined {
    this.#skip();
    const found = LAYER_LETTERS.find((letter) => letter === this.#next);
    if (found) this.#at++;
    return found;
  }

  /** The items up to the end of the text, or up to the bracket that closes a group. */
  items(inner = false): Item[] {
    const items: Item[] = [];
    for (;;) {
      this.#skip();
      if (this.#next === "" || this.#next === ")") break;
      items.push(this.#item(inner));
    }
    if (!inner && this.#next === ")") this.fail("no bracket that closes what none opened");
    if (items.length === 0) this.fail(`a layer: ${LAYER_LETTERS.join(", ")}`);
    return items;
  }

  #item(inner: boolean): Item {
    const count = this.#count(), letter = this.#letter();
    const group = letter ? [letter] : this.#group();
    if (letter && this.#take(":")) return this.#ratio({ letter, count }, inner);
    const letters = Array.from({ length: count }, () => group).flat();
    if (letters.length > MOST) this.fail(`at most ${MOST} layers`);
    if (!this.#take("*")) return { letters };
    if (inner) this.fail("no star inside of a group");
    return { fill: "repeat", letters };
  }

  #group(): LayerLetter[] {
    if (!this.#take("(")) this.fail(NEXT_LAYER);
    const letters = this.items(true).flatMap((item) => item.fill === undefined ? item.letters : []);
    if (!this.#take(")")) this.fail("a bracket that closes the group");
    return letters;
  }

  #ratio(first: { letter: LayerLetter; count: number }, inner: boolean): Item {
    if (inner) this.fail("no ratio inside of a group");
    const shares = [first];
    do {
      const count = this.#count(), letter = this.#letter() ?? this.fail(`a layer: ${LAYER_LETTERS.join(", ")}`);
      shares.push({ letter, count });
    } while (this.#take(":"));
    return { fill: "ratio", shares };
  }
}

/** `room` layers in these shares, each as evenly spread as it can be; where two are due the first one comes first. */
function spread(
  shares: readonly { readonly letter: LayerLetter; readonly count: number }[],
  room: number,
): LayerLetter[] {
  const all = shares.reduce((sum, { count }) => sum + count, 0), due = shares.map(() => 0), letters: LayerLetter[] = [];
  for (let i = 0; i < room; i++) {
    let most = 0;
    for (const [at, { count }] of shares.entries()) {
      due[at] = (due[at] ?? 0) + count;
      if ((due[at] ?? 0) > (due[most] ?? 0)) most = at;
    }
    due[most] = (due[most] ?? 0) - all;
    const share = shares[most];
    if (share) letters.push(share.letter);
  }
  return letters;
}

function filled(items: readonly Item[], nLayers: number): LayerLetter[] {
  const fixed = items.reduce((sum, item) => sum + (item.fill === undefined ? item.letters.length : 0), 0);
  const room = nLayers - fixed, fills = items.filter((item) => item.fill !== undefined).length;
  if (fills > 1) throw new PatternError({ expected: "one star or one ratio at most", got: `${fills} of them` });
  if (fills === 0 && room !== 0) {
    const expected = `${nLayers} layers, as nLayers says`;
    throw new PatternError({ expected, got: `${fixed} layers`, isOfLength: true });
  }
  return items.flatMap((item) => {
    if (item.fill === undefined) return [...item.letters];
    const step = item.fill === "repeat" ? item.letters.length : 1;
    if (room < step || room % step !== 0) {
      const what = step === 1 ? "at least one layer" : `a multiple of ${step} layers`;
      throw new PatternError({ expected: `${what} to fill of the ${nLayers}`, got: `${room}`, isOfLength: true });
    }
    if (item.fill === "ratio") return spread(item.shares, room);
    return Array.from({ length: room / step }, () => item.letters).flat();
  });
}

/** The layers of a pattern, first to last, in a model of `nLayers` layers; or the fault of the pattern. */
export function layersOfPattern(pattern: string, nLayers: number): LayerLetter[] | PatternFault {
  try {
    return filled(new Reader(pattern).items(), nLayers);
  } catch (error) {
    if (error instanceof PatternError) return error.fault;
    throw error;
  }
}

/** The number of layers of a pattern; undefined if it fills the model's number of layers, or is invalid. */
export function lengthOfPattern(pattern: string): number | undefined {
  try {
    const items = new Reader(pattern).items();
    const lengths = items.map((item) => item.fill === undefined ? item.letters.length : undefined);
    return lengths.includes(undefined) ? undefined : lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

/** The architecture that a stack is nearest to; defaults of other fields follow from it. */
export function archTypeOf(letters: readonly LayerLetter[]): ArchType {
  const kinds = letters.map((letter) => LETTERS[letter]);
  if (kinds.some(({ attention, mamba }) => attention && mamba)) return ArchType.HYBRID;
  if (kinds.every(({ mamba }) => mamba)) return ArchType.MAMBA;
  if (kinds.some(({ mamba }) => mamba)) return ArchType.HYBRID_SEQUENTIAL;
  return kinds.some(({ window }) => window) ? ArchType.TRANSFORMER_LOCAL : ArchType.TRANSFORMER_GLOBAL;
}
