/** The parts of a text as tokens. */
import { UsageError } from "../errors.ts";
import { at } from "../lists.ts";
import type { PartName } from "./split.ts";

/** The methods of a tokenizer that {@link partOf} uses. */
export interface Encoder {
  encode(text: string): Uint32Array;
  /** Bytes of UTF-8 that a token stands for. */
  bytesOf(id: number): number;
}

/** A part of the text as tokens. It may be of several pieces of text, and no sequence goes from one into the next. */
export interface Part {
  readonly tokens: Uint32Array;
  /** Where the pieces begin, in rising order; the first is 0. */
  readonly starts: readonly number[];
  /** UTF-8 bytes of all tokens except the first of each piece: the denominator of bits per byte. */
  readonly bytes: number;
}

/** The tokens of a study by part. */
export interface TokenData {
  readonly train: Part;
  /** The development part: everything that is chosen is chosen by it. */
  readonly validation: Part;
  /** Read once, when all training is done; absent where the study has none. */
  readonly test?: Part;
}

/** Number of tokens of a part that are predicted: all but the first of each piece. */
export const predictedTokens = ({ tokens, starts }: Pick<Part, "tokens" | "starts">): number =>
  tokens.length - starts.length;

/** Start and end of each piece. */
export const piecesIn = ({ tokens, starts }: Pick<Part, "tokens" | "starts">): [start: number, end: number][] =>
  starts.map((start, i) => [start, starts[i + 1] ?? tokens.length]);

/** Tokens of one piece as a part; `bytes` counts those of all tokens but the first. */
export const onePiece = (tokens: Uint32Array, bytes = 0): Part => ({ tokens, starts: [0], bytes });

const utf8Bytes = (text: string) => new TextEncoder().encode(text).length;

/** Encodes pieces of text one by one. Pieces of less than two tokens predict nothing and are left out. */
function encoded(texts: readonly string[], tokenizer: Encoder): Part {
  const found = texts.map((text) => ({ text, tokens: tokenizer.encode(text) })).filter(({ tokens }) =>
    tokens.length > 1
  );
  const tokens = new Uint32Array(found.reduce((sum, { tokens }) => sum + tokens.length, 0)), starts: number[] = [];
  let length = 0, bytes = 0;
  for (const piece of found) {
    starts.push(length);
    tokens.set(piece.tokens, length);
    length += piece.tokens.length;
    bytes += utf8Bytes(piece.text) - tokenizer.bytesOf(at(piece.tokens, 0));
  }
  return { tokens, starts, bytes };
}

/** Encodes one part. Throws UsageError when none of its pieces is long enough for a sequence of T tokens. */
export function partOf(
  name: PartName,
  texts: readonly string[],
  { tokenizer, T }: { tokenizer: Encoder; T: number },
): Part {
  const part = encoded(texts, tokenizer);
  const longest = piecesIn(part).reduce((most, [start, end]) => Math.max(most, end - start), 0);
  if (longest >= T + 2) return part;
  throw new UsageError(`the ${name} part of the corpus is too short`, {
    expected: `at least ${T + 2} tokens${texts.length > 1 ? " in one piece" : ""}`,
    got: `${longest} tokens`,
    hint: texts.length === 0
      ? "use a longer text, a smaller gap between the parts (data.gapCharacters), or other fractions"
      : texts.length > 1
      ? "use longer blocks (data.blockCharacters), a longer text, or a preset with shorter sequences"
      : "use a longer text, or a preset with shorter sequences (--preset smoke)",
  });
}
