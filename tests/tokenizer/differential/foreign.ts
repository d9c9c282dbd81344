/** Random `tokenizer.json` files: our ids, decoded texts and offsets beside those of Hugging Face's library in Rust. */
import { HymbaError } from "../../../core/errors.ts";
import { IdList, utf8 } from "../../../core/tokenizer/bytes.ts";
import { insideOf, Tokenizer } from "../../../core/tokenizer/mod.ts";
import type { Dice } from "../../fuzz/dice.ts";
import type { RustLibrary } from "../rust_library.ts";
import { foreignFile } from "./foreign_files.ts";
import { type Counts, type Place, requireEqual } from "./report.ts";
import { textOf } from "./texts.ts";

interface Given {
  rust: RustLibrary;
  given: Omit<Place, "program">;
  counts: Counts;
  texts: number;
}

/** The tokenizer of a file; undefined for one that is refused because of its regular expressions. */
async function opened(json: string): Promise<Tokenizer | undefined> {
  try {
    return await Tokenizer.openJson(json);
  } catch (error) {
    if (error instanceof HymbaError && /regular expression/.test(error.message)) return undefined;
    throw error;
  }
}

/** Where our tokens start and end in the characters of a text; right where nothing is normalised, removed or put in front. */
function offsetsOf(tokenizer: Tokenizer, text: string): [number, number][] {
  const ids = new IdList(), lengths = new IdList(), bytes = utf8(text);
  insideOf(tokenizer).pipeline.session({ ids, lengths }).push(bytes, true);
  let at = 0, characters = 0;
  return Array.from(lengths.view(), (length) => {
    const start = characters;
    for (const end = at + length; at < end; at++) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) characters++;
    return [start, characters];
  });
}

/** Compares one file. */
export async function compareForeign(dice: Dice, { rust, given, counts, texts: count }: Given): Promise<void> {
  const { root, pieces } = foreignFile(dice), json = JSON.stringify(root), tokenizer = await opened(json);
  if (!tokenizer) return;
  // The name of the unknown token in a text, where it is no added token: see docs/tokenizer.md.
  const texts = Array.from(
    { length: count },
    () => textOf(dice, { pieces, longest: 400, settled: true }).replaceAll("<unk>", ""),
  );
  const seen = await rust.ask(json, texts, { skipsSpecial: true });
  if (seen === undefined) return;
  const place = { ...given, program: "Rust" };
  if (!Array.isArray(seen)) throw new Error(`seed ${given.seed}, file ${given.file}: Rust refuses it: ${seen.refused}`);
  const size = Object(root.model).vocab.length;
  const hasOffsets = root.normalizer === null && root.pre_tokenizer === null &&
    Array.isArray(root.added_tokens) && root.added_tokens.length === 0 && !Object(root.model).byte_fallback;
  for (const [i, { ids, decoded, offsets }] of seen.entries()) {
    const text = texts[i] ?? "";
    requireEqual("ids", { ours: [...tokenizer.encode(text)], theirs: ids, text, place });
    // What a normalised added token decodes to is its normalised text there: see docs/tokenizer.md.
    if (ids.length > 0 && ids.every((id) => id < size)) {
      requireEqual("decoding", { ours: tokenizer.decode(ids), theirs: decoded, text: ids, place });
    }
    if (hasOffsets) requireEqual("offsets", { ours: offsetsOf(tokenizer, text), theirs: offsets, text, place });
  }
  counts.Rust = (counts.Rust ?? 0) + texts.length;
}
