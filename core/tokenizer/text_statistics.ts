/** Statistics of a tokenizer on a text. */
import { insideOf, type Tokenizer } from "./tokenizer.ts";
import { utf8Parts } from "./utf8_text.ts";
import { PieceType } from "./vocabulary.ts";

/** Counts over a text. */
export interface TextStatistics {
  /** Unicode code points. */
  characters: number;
  /** UTF-8. */
  bytes: number;
  tokens: number;
  /** Tokens that stand for characters without a piece. */
  unknowns: number;
  /** Tokens that are single bytes of characters without a piece. */
  byteTokens: number;
  /** How often each id occurs. */
  counts: Float64Array;
}

/** Encodes a text that is given in parts of UTF-8, and counts. `name`: of the text. Throws a UsageError if it is not UTF-8. */
export async function textStatistics(
  tokenizer: Tokenizer,
  { parts, name }: { parts: AsyncIterable<Uint8Array>; name: string },
): Promise<TextStatistics> {
  const counts = new Float64Array(tokenizer.vocabSize), stream = tokenizer.stream();
  let characters = 0, bytes = 0;
  const count = (ids: Uint32Array) => {
    for (const id of ids) counts[id]!++;
  };
  for await (const { bytes: part } of utf8Parts(parts, name)) {
    bytes += part.length;
    for (const byte of part) characters += Number((byte & 0xc0) !== 0x80);
    count(stream.push(part));
  }
  count(stream.finish());
  const { vocabulary } = insideOf(tokenizer);
  const ofType = (type: number) => {
    return counts.reduce((sum, count, id) => sum + (vocabulary.typeOf(id) === type ? count : 0), 0);
  };
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  return {
    characters,
    bytes,
    tokens,
    unknowns: ofType(PieceType.unknown),
    byteTokens: ofType(PieceType.byte),
    counts,
  };
}

/** Pieces by number of characters: `lengths[n]` of them have n. Special pieces and bytes are left out. */
export function pieceLengths(tokenizer: Tokenizer): number[] {
  const lengths: number[] = [0];
  for (const { piece, type } of tokenizer.pieces) {
    if (type !== PieceType.normal && type !== PieceType.userDefined) continue;
    const length = [...piece].length;
    while (lengths.length < length) lengths.push(0);
    lengths[length] = (lengths[length] ?? 0) + 1;
  }
  return lengths;
}
