/** Random models and texts: our ids, offsets and decoded texts beside those of SentencePiece's programs. */
import { Tokenizer } from "../../../core/tokenizer/mod.ts";
import { type ModelFile, writeModelFile } from "../../../core/tokenizer/model_file.ts";
import { PieceType } from "../../../core/tokenizer/vocabulary.ts";
import type { Dice } from "../../fuzz/dice.ts";
import { spmRun } from "../spm.ts";
import { modelOf } from "./models.ts";
import { type Counts, type Place, requireEqual } from "./report.ts";
import { textOf } from "./texts.ts";

/** A model and texts for it. */
export interface ModelCase {
  file: ModelFile;
  tokenizer: Tokenizer;
  texts: string[];
}

/** The case of a number. */
export function modelCase(dice: Dice, { texts, exact }: { texts: number; exact: boolean }): ModelCase {
  const file = modelOf(dice, { exact }), names = file.pieces.filter(({ type }) => type !== PieceType.byte);
  const tokenizer = Tokenizer.fromModelBytes(writeModelFile(file));
  const pieces = names.map(({ piece }) => piece);
  return {
    file,
    tokenizer,
    texts: Array.from({ length: texts }, () => textOf(dice, { pieces, longest: exact ? 400 : 8000 })),
  };
}

/** Compares one model. */
export async function compareWithSentencePiece(
  { tokenizer, texts }: ModelCase,
  { place, counts, dice }: { place: Place; counts: Counts; dice: Dice },
): Promise<void> {
  const model = tokenizer.toModelBytes();
  const encoded = await spmRun("spm_encode", { model, args: ["--output_format=id"], lines: texts });
  const ids = texts.map((text) => [...tokenizer.encode(text)]);
  for (const [i, text] of texts.entries()) {
    requireEqual("ids", { ours: ids[i]?.join(" "), theirs: encoded[i], text, place });
  }
  // Ids in any order are decoded, too.
  const size = tokenizer.vocabSize;
  const lists = ids.map((list) =>
    dice.once(4) ? Array.from({ length: 1 + dice.below(12) }, () => dice.below(size)) : list
  );
  const args = ["--input_format=id"], lines = lists.map((list) => list.join(" "));
  const decoded = await spmRun("spm_decode", { model, args, lines });
  // A text with a line break is printed in two lines.
  const own = lists.flatMap((list) => tokenizer.decode(list).split("\n").map((line) => ({ line, list })));
  for (const [i, { line, list }] of own.entries()) {
    requireEqual("decoding", { ours: line, theirs: decoded[i], text: list, place });
  }
  // The pieces, unknown ones with their text, say where each token stands in the normalised text.
  const pieces = await spmRun("spm_encode", { model, args: ["--output_format=piece"], lines: texts });
  for (const [i, text] of texts.entries()) {
    requireEqual("pieces", { ours: tokenizer.encodePieces(text).join(" "), theirs: pieces[i], text, place });
  }
  counts.SentencePiece = (counts.SentencePiece ?? 0) + texts.length;
}
