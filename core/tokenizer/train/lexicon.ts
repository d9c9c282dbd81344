/** The pieces that training still considers, in byte order, with their trie. */
import { ByteStrings, leadLength } from "../bytes.ts";
import { buildDoubleArray } from "../double_array.ts";

/** Pieces in ascending byte order; a score of -Infinity marks a removed piece. */
export class Lexicon {
  readonly pieces: readonly Uint8Array[];
  /** Natural logarithm of each piece's probability. */
  readonly scores: Float64Array;
  readonly trie: Uint32Array;

  constructor(pieces: readonly Uint8Array[], scores: Float64Array) {
    this.pieces = pieces;
    this.scores = scores;
    this.trie = buildDoubleArray(ByteStrings.of(pieces), pieces.map((_, i) => i));
  }

  /** How many pieces are left. */
  get alive(): number {
    return this.scores.reduce((count, score) => count + Number(score > -Infinity), 0);
  }

  /** Whether a piece is a single character. Such pieces are never removed. */
  isLetter(index: number): boolean {
    const bytes = this.pieces[index], lead = bytes?.[0];
    return lead !== undefined && bytes?.length === leadLength(lead);
  }

  /** Only the pieces with these indices. */
  subset(indices: readonly number[]): Lexicon {
    const kept = indices.toSorted((a, b) => a - b);
    return new Lexicon(kept.map((i) => this.pieces[i]!), Float64Array.from(kept, (i) => this.scores[i]!));
  }
}

/** The distinct words that expectation maximisation runs over, in one buffer, with their counts. */
export interface Sentences {
  bytes: Uint8Array;
  /** Word i is `bytes[starts[i]]` up to `bytes[starts[i + 1]]`. */
  starts: Uint32Array;
  counts: Float64Array;
}

/** Words as UTF-8. They are cut at characters outside the alphabet, and equal ones are counted together. */
export function toSentences(
  words: Iterable<{ text: string; count: number }>,
  { letters }: { letters: ReadonlySet<string> },
): Sentences {
  const merged = new Map<string, number>();
  const add = (text: string, count: number) => {
    if (text.length > 0) merged.set(text, (merged.get(text) ?? 0) + count);
  };
  for (const { text, count } of words) {
    let known = "";
    for (const character of text.slice(0, -1)) {
      if (letters.has(character)) known += character;
      else {
        add(known, count);
        known = "";
      }
    }
    add(known, count);
  }
  const strings = new ByteStrings();
  for (const text of merged.keys()) strings.addText(text);
  const { bytes, starts } = strings;
  return { bytes, starts, counts: Float64Array.from(merged.values()) };
}
