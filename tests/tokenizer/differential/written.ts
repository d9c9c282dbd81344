/** Random models as `tokenizer.json`, written here and read by Hugging Face's two libraries. */
import { insideOf, type Tokenizer } from "../../../core/tokenizer/mod.ts";
import { textOf, utf8 } from "../../../core/tokenizer/bytes.ts";
import { HymbaError } from "../../../core/errors.ts";
import { PieceType } from "../../../core/tokenizer/vocabulary.ts";
import { Client } from "../../packages.ts";
import type { RustLibrary } from "../rust_library.ts";
import { type Counts, type Place, requireEqual } from "./report.ts";
import type { ModelCase } from "./sentencepiece.ts";

type Given = Omit<Place, "program">;

/** What a `tokenizer.json` cannot say of a model: see docs/tokenizer.md. */
function isInexpressible({ file }: ModelCase): boolean {
  const { addDummyPrefix, removeExtraWhitespaces, charsmap } = file.normalizer;
  const symbols = file.pieces.some(({ type }) => type === PieceType.userDefined);
  return symbols && (addDummyPrefix || removeExtraWhitespaces || charsmap.length > 0);
}

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/** Hugging Face applies a character map to graphemes, SentencePiece to characters: see docs/tokenizer.md. */
const isComposed = (text: string, { file }: ModelCase) =>
  file.normalizer.charsmap.length > 0 && [...graphemes.segment(text)].some(({ segment }) => [...segment].length > 1);

/** A reserved name whose characters are all unknown cannot be cut in two: see docs/tokenizer.md. */
const isReserved = (text: string, { file }: ModelCase) =>
  !file.trainer.byteFallback && file.pieces.slice(0, 3).some(({ piece }) => text.includes(piece));

/** The decoder cannot tell the space of a dummy prefix from the one that an unknown token begins with. */
const beginsUnknown = (text: string, { file, tokenizer }: ModelCase) =>
  file.normalizer.addDummyPrefix && tokenizer.encode(text)[0] === insideOf(tokenizer).vocabulary.unknownId;

/** A text that a rule empties gets a dummy prefix from SentencePiece, and none from `Prepend`. */
const isEmptied = (text: string, { file, tokenizer }: ModelCase) =>
  file.normalizer.charsmap.length > 0 && file.normalizer.addDummyPrefix &&
  textOf(insideOf(tokenizer).pipeline.normalise(utf8(text))[0] ?? new Uint8Array(0)) === "▁";

/** U+2581 in a text counts as a space in some steps of the removal of spaces and not in others: see docs/tokenizer.md. */
const isMarked = (text: string, { file }: ModelCase) => file.normalizer.removeExtraWhitespaces && text.includes("▁");

function written(tokenizer: Tokenizer): string | undefined {
  try {
    return tokenizer.toJson();
  } catch (error) {
    if (error instanceof HymbaError) return undefined;
    throw error;
  }
}

/** Compares one model. */
export async function compareWritten(
  made: ModelCase,
  { rust, given, counts }: { rust: RustLibrary; given: Given; counts: Counts },
): Promise<void> {
  const { tokenizer, file } = made, json = written(tokenizer);
  const exceptions = [isMarked, isComposed, isReserved, beginsUnknown, isEmptied];
  const texts = made.texts.filter((text) => !exceptions.some((is) => is(text, made)));
  if (json === undefined || isInexpressible(made)) return;
  const seen = await rust.ask(json, texts);
  if (seen && !Array.isArray(seen)) throw new Error(`${JSON.stringify(given)}: Rust refuses our file: ${seen.refused}`);
  for (const [i, { ids, decoded }] of seen?.entries() ?? []) {
    const text = texts[i] ?? "", place = { ...given, program: "Rust" };
    requireEqual("ids", { ours: [...tokenizer.encode(text)], theirs: ids, text, place });
    requireEqual("decoding", { ours: tokenizer.decode(ids), theirs: decoded, text, place });
  }
  counts.Rust = (counts.Rust ?? 0) + (seen?.length ?? 0);
  // The client replaces text by rules of its own, whatever the map says.
  if (file.normalizer.charsmap.length > 0) return;
  const client = new Client(JSON.parse(json), {}), place = { ...given, program: "JavaScript" };
  // It cuts on both sides of what a `Split` finds, so that a piece that ends with "<" is lost before a reserved name.
  const checked = texts.filter((text) => !/<(?:unk|s|\/s|0x[0-9A-F]{2})>/.test(text));
  for (const text of checked) {
    const { ids } = client.encode(text, { add_special_tokens: false });
    requireEqual("ids", { ours: [...tokenizer.encode(text)], theirs: ids, text, place });
    if (ids.length === 0) continue;
    const decoded = client.decode(ids, { clean_up_tokenization_spaces: false });
    requireEqual("decoding", { ours: tokenizer.decode(ids), theirs: decoded, text, place });
  }
  counts.JavaScript = (counts.JavaScript ?? 0) + checked.length;
}
