/** The normalisers of a `tokenizer.json`: functions from text to text. */
import { type Charsmap, parseCharsmap } from "../charsmap.ts";
import { HymbaError } from "../../errors.ts";
import { textOf, utf8 } from "../bytes.ts";
import type { JsonNode } from "./schema.ts";

export type TextStep = (text: string) => string;

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
  return (text) => {
    const bytes = utf8(text), parts: Uint8Array[] = [];
    let kept = 0;
    for (let at = 0; at < bytes.length;) {
      const { length, replacement } = charsmap.match(bytes, { at, end: bytes.length });
      if (length > 0) {
        parts.push(bytes.subarray(kept, at), replacement);
        kept = at + length;
      }
      at += length || 1;
    }
    return [...parts, bytes.subarray(kept)].map(textOf).join("");
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
      return (text) => text.toLowerCase();
    case "StripAccents":
      return (text) => text.replace(/\p{Mn}/gu, "");
    case "Strip": {
      const left = node.get("strip_left").flag(true), right = node.get("strip_right").flag(true);
      return (text) => left && right ? text.trim() : left ? text.trimStart() : right ? text.trimEnd() : text;
    }
    case "Prepend": {
      const prefix = node.get("prepend").text();
      return (text) => text.length > 0 ? prefix + text : text;
    }
    case "Replace": {
      const pattern = node.get("pattern").pattern(), content = node.get("content").text();
      return (text) => text.replace(pattern, () => content);
    }
    case "Precompiled":
      return precompiled(node);
    default:
      throw node.get("type").error(`normalizer ${kind} is not supported`);
  }
}
