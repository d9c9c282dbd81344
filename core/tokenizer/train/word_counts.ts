/** The words of a text with their counts, and its alphabet. Training keeps only these, not the text. */
import { UsageError } from "../../errors.ts";
import { ByteBuffer, SPACE_MARK, textOf, utf8 } from "../bytes.ts";
import { type Piece, PieceType } from "../vocabulary.ts";
import { Normalizer, NormalizerRules, type NormalizerSpec } from "../normalizer.ts";

/** Stands for a character outside the alphabet (U+2585, as in SentencePiece). No piece contains it. */
export const UNKNOWN_CHARACTER = "\u2585";
/** What can follow a word, besides the mark of the next word: the end of the line, or a symbol that is always one token. */
const LINE_END = "\0", SYMBOL = "\t";
/** Longest line in bytes. A word cannot be longer, and a lattice over a word needs some 40 times its bytes. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** A word and how often it occurs. */
export interface CountedWord {
  /** The word, then one character that says what follows it. */
  text: string;
  count: number;
}

/** Counts the words of lines of text. */
export class WordCounts {
  readonly #counts = new Map<string, number>();
  readonly #normalizer: Normalizer;
  readonly #out = new ByteBuffer(4096);
  readonly #symbols: RegExp | undefined;
  #line = 0;

  /** @param spec How texts are normalised. `symbols`: pieces that are cut out of the text. `name`: for errors. */
  constructor(spec: NormalizerSpec, { symbols, name }: { symbols: readonly Piece[]; name: string }) {
    const userDefined = symbols.filter(({ type }) => type === PieceType.userDefined).map(({ piece }) => piece);
    this.#normalizer = new Normalizer(new NormalizerRules(spec, { userDefined, name }), this.#out);
    const byLength = symbols.map(({ piece }) => piece).sort((a, b) => b.length - a.length).map(RegExp.escape);
    this.#symbols = byLength.length > 0 ? new RegExp(byLength.join("|"), "u") : undefined;
  }

  /** Adds the lines of a text. @throws {UsageError} when one is longer than `MAX_LINE_BYTES`. */
  addText(text: string): void {
    let at = 0;
    while (at < text.length) {
      const newline = text.indexOf("\n", at), stop = newline < 0 ? text.length : newline;
      this.#line++;
      if (stop > at) this.#addLine(text.slice(at, stop));
      at = stop + 1;
    }
  }

  #addLine(line: string): void {
    if (line.length > MAX_LINE_BYTES) throw lineTooLong(this.#line, line.length);
    const bytes = utf8(line);
    if (bytes.length > MAX_LINE_BYTES) throw lineTooLong(this.#line, bytes.length);
    this.#normalizer.push(bytes, true);
    const text = textOf(this.#out.view());
    this.#out.length = 0;
    const parts = this.#symbols ? text.split(this.#symbols) : [text];
    for (const [i, part] of parts.entries()) this.#addWords(part, i + 1 < parts.length ? SYMBOL : LINE_END);
  }

  #addWords(text: string, terminator: string): void {
    for (let at = 0; at < text.length;) {
      const mark = text.indexOf(SPACE_MARK, at + 1), stop = mark < 0 ? text.length : mark;
      const word = mark < 0 ? text.slice(at) + terminator : text.slice(at, stop + 1);
      this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
      at = stop;
    }
  }

  /** Every word once, sorted by code units, so that the result of training does not depend on the order of the text. */
  words(): CountedWord[] {
    return [...this.#counts].map(([text, count]) => ({ text, count })).sort((a, b) => a.text < b.text ? -1 : 1);
  }
}

/** The error for a line that is too long. */
export function lineTooLong(line: number, bytes: number): UsageError {
  return new UsageError(`line ${line} is too long to be trained on`, {
    expected: `lines of at most ${MAX_LINE_BYTES} bytes`,
    got: `${bytes} bytes or more`,
    hint: "break the text into lines, such as sentences or paragraphs",
  });
}

/** One character of the alphabet. */
export interface Letter {
  character: string;
  count: number;
}

/** The characters that become pieces. */
export interface Alphabet {
  letters: Letter[];
  /** Characters that become pieces only if longer pieces leave room, the most frequent first. */
  spare: Letter[];
}

/** If a vocabulary cannot hold all characters, this share of it is for characters. The rest is for longer pieces. */
const SHARE_OF_LETTERS = 0.75;

/** Every character that can be a piece, the most frequent first. Tabs, zero bytes and spaces cannot. */
function lettersOf(words: readonly CountedWord[]): Letter[] {
  const counts = new Map<string, number>();
  for (const { text, count } of words) {
    for (const character of text.slice(0, -1)) {
      if (character === "\0" || character === "\t" || character === " " || character === UNKNOWN_CHARACTER) continue;
      counts.set(character, (counts.get(character) ?? 0) + count);
    }
  }
  const code = (character: string) => character.codePointAt(0) ?? 0;
  return [...counts].map(([character, count]) => ({ character, count }))
    .sort((a, b) => b.count - a.count || code(a.character) - code(b.character));
}

const sum = (letters: readonly Letter[]) => letters.reduce((total, { count }) => total + count, 0);

/** The most frequent characters, until `coverage` of the text is covered. */
export function alphabetOf(words: readonly CountedWord[], coverage: number): Alphabet {
  const all = lettersOf(words), total = sum(all);
  let covered = 0, size = 0;
  for (const { count } of all) {
    if (Math.fround(covered / total) >= Math.fround(coverage)) break;
    covered += count;
    size++;
  }
  return { letters: all.slice(0, size), spare: [] };
}

/** All characters if they fit into `room` pieces, otherwise the most frequent ones. */
export function fittingAlphabet(words: readonly CountedWord[], room: number): Alphabet {
  const all = lettersOf(words);
  const size = all.length <= room ? all.length : Math.max(1, Math.floor(SHARE_OF_LETTERS * room));
  return { letters: all.slice(0, size), spare: all.slice(size) };
}

/** The share of a text's characters that are pieces. */
export function coverageOf(words: readonly CountedWord[], pieces: readonly { piece: string }[]): number {
  const all = lettersOf(words), known = new Set(pieces.map(({ piece }) => piece));
  return sum(all.filter(({ character }) => known.has(character))) / sum(all);
}
