/** The parts of a text as tokens. */
import { counted, UsageError } from "../errors.ts";
import { at } from "../lists.ts";
import type { PartName } from "./split.ts";

/** The methods of a tokenizer that {@link partOf} uses. */
export interface Encoder {
  encode(text: string): Uint32Array;
  /** Bytes of UTF-8 that a token stands for. */
  bytesOf(id: number): number;
}

/** Tokens in memory, or in a file that is read by ranges. */
export interface Tokens {
  readonly length: number;
  /** The tokens from `start` to `end`, which may be a view. */
  subarray(start: number, end: number): Uint32Array;
}

/** A part of the text as tokens. It can have several pieces of text. No sequence crosses from one piece into the next. */
export interface Part<T extends Tokens = Uint32Array> {
  readonly tokens: T;
  /** Where the pieces begin, in rising order; the first is 0. */
  readonly starts: readonly number[];
  /** UTF-8 bytes of all tokens except the first of each piece: the denominator of bits per byte. */
  readonly bytes: number;
}

/** The tokens of a study by part. */
export interface TokenData {
  readonly train: Part<Tokens>;
  /** The development part: all choices are made by its results. */
  readonly validation: Part;
  /** Evaluated once, after all training. Absent if the study has none. */
  readonly test?: Part;
  /** Closes the file of the training part, if there is one. */
  close?(): void;
}

/** Tokens and borders of a part, without its bytes. */
export type Text = Pick<Part<Tokens>, "tokens" | "starts">;

/** Number of tokens of a part that are predicted: all but the first of each piece. */
export const predictedTokens = ({ tokens, starts }: Text): number => tokens.length - starts.length;

/** Start and end of each piece. */
export const piecesIn = ({ tokens, starts }: Text): [start: number, end: number][] =>
  starts.map((start, i) => [start, starts[i + 1] ?? tokens.length]);

/** Tokens of one piece as a part; `bytes` counts those of all tokens but the first. */
export const onePiece = (tokens: Uint32Array, bytes = 0): Part => ({ tokens, starts: [0], bytes });

/** Tokens that are read at a time. */
const BLOCK = 2 ** 16;

/** Every token, read in blocks. */
export function* tokensIn(tokens: Tokens): Generator<number> {
  for (let from = 0; from < tokens.length; from += BLOCK) {
    yield* tokens.subarray(from, Math.min(from + BLOCK, tokens.length));
  }
}

/** Every token after the first of its piece, with the token before it; of the first `most` tokens. */
export function* pairsIn(text: Text, { most = Infinity } = {}): Generator<readonly [before: number, id: number]> {
  for (const [start, end] of piecesIn(text)) {
    const last = Math.min(end, most);
    for (let from = start; from + 1 < last; from += BLOCK) {
      const block = text.tokens.subarray(from, Math.min(from + BLOCK + 1, last));
      for (let i = 1; i < block.length; i++) yield [at(block, i - 1), at(block, i)];
    }
  }
}

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

/** Throws UsageError when no piece of a part is long enough for a sequence of T tokens. */
export function requireLength(
  name: PartName,
  part: Text & { readonly bytes?: number },
  { T, pieces }: { T: number; pieces: number },
): void {
  const longest = piecesIn(part).reduce((most, [start, end]) => Math.max(most, end - start), 0);
  if (longest >= T + 2) return;
  throw new UsageError(`the ${name} part of the corpus is too short`, {
    expected: `at least ${T + 2} tokens${pieces > 1 ? " in one piece" : ""}`,
    got: counted(longest, "token"),
    hint: hintFor(part, { T, pieces }),
  });
}

function hintFor({ bytes = 0 }: { readonly bytes?: number }, { T, pieces }: { T: number; pieces: number }): string {
  if (pieces === 0) {
    return "use a longer text, a smaller gap between the parts (data.gapCharacters), or other fractions";
  }
  if (pieces > 1) return "use longer blocks (data.blockCharacters), a longer text, or a preset with shorter sequences";
  // The tokens of a repetitive text can be so long that a part has few of them.
  const asBytes = `, or --tokenizer bytes, with which this part has more than ${bytes} tokens`;
  return `use a longer text, or shorter sequences (the preset smoke has the shortest)${bytes >= T + 2 ? asBytes : ""}`;
}

/** Encodes one part. Throws UsageError when none of its pieces is long enough for a sequence of T tokens. */
export function partOf(
  name: PartName,
  texts: readonly string[],
  { tokenizer, T }: { tokenizer: Encoder; T: number },
): Part {
  const part = encoded(texts, tokenizer);
  requireLength(name, part, { T, pieces: texts.length });
  return part;
}
