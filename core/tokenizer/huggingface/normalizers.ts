/** The normalisers of a `tokenizer.json`: functions from text to text. */
import { type Charsmap, parseCharsmap } from "../charsmap.ts";
import { HymbaError } from "../../errors.ts";
import { textOf, utf8 } from "../bytes.ts";
import { endOfSpaces, startOfSpaces } from "./classes.ts";
import { replaceMatches } from "./patterns.ts";
import type { JsonNode } from "./schema.ts";

export type TextStep = (text: string) => string;

/** Characters that `Nmt` deletes, and those that it replaces by a space. */
// deno-lint-ignore no-control-regex
const NMT_DELETED = /[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g;
const NMT_SPACES = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;

/** The bytes of a Base64 text. */
export function charsmapBytes(node: JsonNode): Uint8Array {
  try {
    return Uint8Array.fromBase64(node.text());
  } catch (error) {
    if (error instanceof HymbaError) throw error;
    throw node.error("wrong value", "Base64");
  }
}

function precompiled(node: JsonNode): TextStep {
  const field = node.get("precompiled_charsmap");
  let charsmap: Charsmap;
  try {
    charsmap = parseCharsmap(charsmapBytes(field), "Precompiled");
  } catch (error) {
    throw error instanceof HymbaError ? field.error(error.message) : error;
  }
  return (text) => byGraphemes(text, charsmap);
}

/** Made at the first use, because it takes longer than loading the rest of the tokenizer. */
let segmenter: Intl.Segmenter | undefined;
const graphemes = () => segmenter ??= new Intl.Segmenter("und", { granularity: "grapheme" });
/** A grapheme of fewer bytes is looked up as a whole. */
const LONG_GRAPHEME = 6;

/**
 * Applies a character map as Hugging Face does. A short grapheme is replaced as a whole by the shortest rule that matches its
 * start; longer ones are replaced character by character. SentencePiece instead takes the longest rule at each place. Source:
 * `normalizers/precompiled.rs`.
 */
function byGraphemes(text: string, charsmap: Charsmap): string {
  const replaced = (part: string): string | undefined => {
    const bytes = utf8(part), rule = charsmap.shortest(bytes);
    return rule && textOf(rule);
  };
  let out = "";
  for (const { segment } of graphemes().segment(text)) {
    const whole = utf8(segment).length < LONG_GRAPHEME ? replaced(segment) : undefined;
    if (whole !== undefined) out += whole;
    else for (const character of segment) out += replaced(character) ?? character;
  }
  return out;
}

function strip(node: JsonNode): TextStep {
  const left = node.get("strip_left").flag(true), right = node.get("strip_right").flag(true);
  return (text) => {
    const begin = left ? endOfSpaces(text, 0) : 0, end = right ? startOfSpaces(text, text.length) : text.length;
    return text.slice(begin, end);
  };
}

/** Reads a normaliser, null for none. @throws {HymbaError} on kinds that Unigram tokenizers do not use. */
export function readNormalizer(node: JsonNode): TextStep {
  if (node.missing) return (text) => text;
  const kind = node.object().get("type").text();
  switch (kind) {
    case "Sequence": {
      const steps = node.get("normalizers").map(readNormalizer);
      return (text) => steps.reduce((done, step) => step(done), text);
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return (text) => text.normalize(kind);
    case "Lowercase":
      // JavaScript writes a final small sigma at the end of a word. Rust's lower case of a single character does not.
      return (text) => text.replaceAll("Σ", "σ").toLowerCase();
    case "StripAccents":
      return (text) => text.replace(/\p{M}/gu, "");
    case "Strip":
      return strip(node);
    case "Prepend": {
      const prefix = node.get("prepend").text();
      return (text) => text.length > 0 ? prefix + text : text;
    }
    case "Replace": {
      const pattern = node.get("pattern").pattern(), content = node.get("content").text();
      return (text) => replaceMatches(text, { pattern, content });
    }
    case "Nmt":
      return (text) => text.replace(NMT_DELETED, "").replace(NMT_SPACES, " ");
    case "Precompiled":
      return precompiled(node);
    default:
      throw node.get("type").error(`normalizer ${kind} is not supported`);
  }
}
