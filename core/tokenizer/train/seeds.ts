/**
 * The first, large vocabulary: every character, and every substring that occurs in at least two different right contexts (the
 * inner nodes of the suffix tree). The weight of a substring is its number of occurrences times its length. Source:
 * SentencePiece, `unigram_model_trainer.cc` (`MakeSeedSentencePieces`).
 *
 * The suffix array is built over distinct words, not over the text: a piece never crosses the end of a word, so its count in
 * the text is the sum of the counts of the words that contain it.
 */
import { SPACE_MARK } from "../bytes.ts";
import { type CountedWord, type Letter, UNKNOWN_CHARACTER } from "./word_counts.ts";
import { INHERITED, scriptOf } from "./scripts.ts";
import { commonPrefixes, suffixArray } from "./suffix_array.ts";

/** A candidate piece and its weight, not yet normalised. */
export interface Seed {
  piece: string;
  weight: number;
}

interface Symbols {
  /** One number for each character of all words with their terminators, in order. */
  symbols: Int32Array;
  /** How often the word of each position occurs. */
  weights: Float64Array;
  /** For each position, the length of the longest piece that can start there. */
  runs: Int32Array;
  range: number;
  characters: string[];
}

/** What can be a seed, and how many seeds there are. */
export interface SeedRules {
  alphabet: readonly Letter[];
  size: number;
  /** Characters of the longest seed. */
  longest: number;
  /** Whether a seed may have letters of several scripts. Default false. */
  mixesScripts?: boolean;
}

/** Numbers below this are not letters: the line's end, a symbol, a character outside the alphabet, the start of a next word. */
const FIRST_LETTER = 4, UNKNOWN = 2, NEXT_WORD = 3;

function number(words: readonly CountedWord[], { alphabet, mixesScripts }: SeedRules): Symbols {
  const characters = ["\0", "\t", UNKNOWN_CHARACTER, "", ...alphabet.map(({ character }) => character)];
  const numbers = new Map(characters.map((character, i) => [character, i]));
  const most = words.reduce((sum, { text }) => sum + text.length, 0);
  const symbols = new Int32Array(most), weights = new Float64Array(most);
  let length = 0;
  for (const { text, count } of words) {
    for (const character of text) {
      symbols[length] = numbers.get(character) ?? UNKNOWN;
      weights[length++] = count;
    }
    // The mark after a word is not a letter here, because the next word of this list is not the next word of the text.
    if (text.endsWith(SPACE_MARK)) symbols[length - 1] = NEXT_WORD;
  }
  const runs = pieceRuns(symbols.subarray(0, length), {
    scripts: characters.map(mixesScripts ? () => INHERITED : scriptOf),
    mark: numbers.get(SPACE_MARK) ?? UNKNOWN,
  });
  return { symbols: symbols.subarray(0, length), weights, runs, range: characters.length, characters };
}

/**
 * For each position, the length of the longest piece that can start there: letters of one script, with a space mark only at
 * the start. Symbols of the script "inherited" match any script.
 */
function pieceRuns(symbols: Int32Array, { scripts, mark }: { scripts: readonly number[]; mark: number }): Int32Array {
  const runs = new Int32Array(symbols.length);
  // The run after the current position: its script, its inherited symbols at the start, and its length.
  let script = INHERITED, inherited = 0, behind = 0;
  for (let i = symbols.length - 1; i >= 0; i--) {
    const symbol = symbols[i] ?? 0, own = scripts[symbol] ?? INHERITED;
    if (symbol < FIRST_LETTER) behind = 0;
    else if (behind === 0 || symbol === mark || own === INHERITED || script === INHERITED || own === script) behind++;
    else behind = inherited + 1;
    runs[i] = behind;
    // A space mark can only be the first symbol of a piece.
    if (symbol < FIRST_LETTER || symbol === mark) behind = 0;
    if (behind === 0) script = INHERITED;
    else if (own !== INHERITED) script = own;
    inherited = behind > 0 && own === INHERITED ? inherited + 1 : 0;
  }
  return runs;
}

interface Repeat {
  start: number;
  length: number;
  weight: number;
}

/** The inner nodes of the suffix tree of 2 to `longest` symbols that can be pieces. */
function repeats({ symbols, weights, runs, range }: Symbols, longest: number): Repeat[] {
  const depth = longest + 1;
  const order = suffixArray(symbols, { range, depth });
  const shared = commonPrefixes(symbols, { order, depth });
  const found: Repeat[] = [];
  // An open interval: the length its suffixes share, and the weight of all suffixes before it.
  const lengths = [0], before = [0];
  let weight = 0;
  for (let i = 0; i <= symbols.length; i++) {
    const length = i < symbols.length ? shared[i]! : 0;
    let start = weight - (i > 0 ? weights[order[i - 1]!]! : 0);
    while (lengths[lengths.length - 1]! > length) {
      const closing = lengths.pop()!;
      start = before.pop()!;
      const position = order[i - 1]!;
      if (closing >= 2 && closing <= longest && closing <= runs[position]!) {
        found.push({ start: position, length: closing, weight: (weight - start) * closing });
      }
    }
    if (lengths[lengths.length - 1]! < length) {
      lengths.push(length);
      before.push(start);
    }
    if (i < symbols.length) weight += weights[order[i]!]!;
  }
  return found;
}

/** Most characters of distinct words in which every substring is looked up. */
const MOST_SYMBOLS = 1_000_000;

/**
 * Every substring of the words that can be a piece, the heaviest first; those of equal weight in the order of code units. None
 * where the words are long in all: such a text has enough seeds.
 */
export function everySubstring(words: readonly CountedWord[], rules: SeedRules): Seed[] {
  const { symbols, weights, runs, characters } = number(words, { ...rules, mixesScripts: true });
  const found = new Map<string, number>();
  if (symbols.length > MOST_SYMBOLS) return [];
  for (const [start, run] of runs.entries()) {
    let piece = "";
    for (let length = 1; length <= Math.min(run, rules.longest); length++) {
      piece += characters[symbols[start + length - 1] ?? 0] ?? "";
      if (length > 1) found.set(piece, (found.get(piece) ?? 0) + length * (weights[start] ?? 0));
    }
  }
  const seeds = Array.from(found, ([piece, weight]) => ({ piece, weight }));
  return seeds.sort((a, b) => b.weight - a.weight || (a.piece < b.piece ? -1 : 1));
}

/** The seed vocabulary: the alphabet, then the heaviest substrings until there are `size`. */
export function makeSeeds(words: readonly CountedWord[], rules: SeedRules): Seed[] {
  const { alphabet, size, longest } = rules, numbered = number(words, rules);
  const found = repeats(numbered, longest).sort((a, b) => b.weight - a.weight);
  const seeds = alphabet.map(({ character, count }) => ({ piece: character, weight: count }));
  for (const { start, length, weight } of found.slice(0, Math.max(0, size - seeds.length))) {
    let piece = "";
    for (let i = 0; i < length; i++) piece += numbered.characters[numbered.symbols[start + i]!];
    seeds.push({ piece, weight });
  }
  return seeds;
}
