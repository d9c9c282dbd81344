/** Texts that are always one token: from the text to the piece that stands for it. */
import { UsageError } from "../../errors.ts";
import { ByteBuffer, SPACE_MARK, textOf, utf8 } from "../bytes.ts";
import { MARK_ESCAPE } from "../mark_escape.ts";
import { Normalizer, NormalizerRules, type NormalizerSpec } from "../normalizer.ts";
import { type Piece, PieceType } from "../vocabulary.ts";

/** Names that a symbol cannot have. */
export const SPECIAL = ["<unk>", "<s>", "</s>"];

/**
 * The score of a symbol that is an ordinary piece: as much as SentencePiece gives a user-defined symbol (-0.1), to the nearest
 * 1/1024, as all scores.
 */
const SYMBOL_SCORE = -102 / 1024;

/**
 * The piece of each symbol, every piece once. A space in a symbol is U+2581 in its piece. A symbol with spaces is normalised
 * like other text. Any other symbol is not normalised, so its text must equal its piece.
 *
 * In a lossless tokenizer a symbol with spaces is an ordinary piece, because SentencePiece would also find a user-defined
 * symbol where the text has U+2581 instead of the space. @throws {UsageError} for a symbol that cannot be one token.
 */
export function symbolPieces(symbols: readonly string[], spec: NormalizerSpec): Piece[] {
  const pieces = new Map<string, Piece>(), lossless = spec.name === "lossless";
  for (const symbol of symbols) {
    requireSymbol(symbol, { lossless });
    const piece = symbol.includes(" ") ? marked(symbol, spec) : symbol;
    const ordinary = lossless && piece.includes(SPACE_MARK);
    pieces.set(piece, {
      piece,
      score: ordinary ? SYMBOL_SCORE : 0,
      type: ordinary ? PieceType.normal : PieceType.userDefined,
    });
  }
  return [...pieces.values()];
}

function requireSymbol(symbol: string, { lossless }: { lossless: boolean }): void {
  const refuse = (expected: string) =>
    new UsageError("tokenizer training: user-defined symbol", { expected, got: JSON.stringify(symbol) });
  const fine = symbol.length > 0 && symbol.isWellFormed() && !symbol.includes("\0") && !SPECIAL.includes(symbol) &&
    !/^<0x[0-9A-F]{2}>$/.test(symbol);
  if (!fine) throw refuse("text without U+0000 that is no special token");
  if (lossless && MARK_ESCAPE.steps.some(([from]) => symbol.includes(from))) {
    throw refuse("text without U+2581 and U+FDD0, because a lossless tokenizer encodes them differently");
  }
}

/** A symbol as it appears in normalised text. */
function marked(symbol: string, spec: NormalizerSpec): string {
  const plain = { ...spec, addDummyPrefix: false, removeExtraWhitespaces: false };
  const out = new ByteBuffer(64);
  new Normalizer(new NormalizerRules(plain, { userDefined: [], name: spec.name }), out).push(utf8(symbol), true);
  return textOf(out.view());
}
