/** A SentencePiece tokenizer as Hugging Face's `tokenizer.json`. */
import { HymbaError } from "../../errors.ts";
import { SPACE_MARK, utf8 } from "../bytes.ts";
import { parseCharsmap } from "../charsmap.ts";
import { escapesMark, MARK_ESCAPE } from "../mark_escape.ts";
import type { ModelFile } from "../model_file.ts";
import { type Piece, PieceType } from "../vocabulary.ts";

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const replace = (regex: string, content: string): Json => ({ type: "Replace", pattern: { Regex: regex }, content });
const replaceText = (text: string, content: string): Json => ({ type: "Replace", pattern: { String: text }, content });

/** The lossless escape of U+2581 as normaliser steps, and its inverse as decoder steps. */
export const ESCAPING: readonly Json[] = MARK_ESCAPE.steps.map(([from, to]) => replaceText(from, to));
const UNESCAPING: readonly Json[] = MARK_ESCAPE.steps.toReversed().map(([from, to]) => replaceText(to, from));

/**
 * The contents of a `tokenizer.json` that gives the same ids as the model.
 *
 * Two things do not carry over: the 32-bit sums (Hugging Face adds in 64 bits, so near ties of a long text may fall otherwise),
 * and a dummy prefix next to user-defined symbols (Hugging Face applies it to the text between symbols).
 * @throws {HymbaError} when the model puts spaces behind words or does not mark them.
 */
export function toTokenizerJson(file: ModelFile): Json {
  const { pieces, trainer, normalizer } = file;
  const renames = (file.denormalizer?.charsmap.length ?? 0) > 0 && !escapesMark(file);
  if (trainer.whitespaceAsSuffix || !normalizer.escapeWhitespaces || renames) {
    throw new HymbaError("this tokenizer cannot be written as tokenizer.json", {
      expected: "spaces marked by U+2581, in front of words, and no rules for decoded text",
    });
  }
  const symbols = [...pieces.entries()].filter(([, { type }]) => type === PieceType.userDefined);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: symbols.map(([id, { piece }]) => {
      return {
        id,
        content: piece,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: false,
      };
    }),
    normalizer: normalizerJson(file),
    pre_tokenizer: preTokenizerJson(file),
    post_processor: null,
    decoder: decoderJson(file),
    model: {
      type: "Unigram",
      unk_id: pieces.findIndex(({ type }) => type === PieceType.unknown),
      vocab: pieces.map(({ piece, score }) => [piece, score]),
      byte_fallback: trainer.byteFallback,
    },
  };
}

function normalizerJson(file: ModelFile): Json {
  const { normalizer } = file, steps: Json[] = [];
  if (escapesMark(file)) steps.push(...ESCAPING);
  else if (normalizer.charsmap.length > 0) {
    const map: Json = { type: "Precompiled", precompiled_charsmap: normalizer.charsmap.toBase64() };
    steps.push(...leavesJoiner(normalizer.charsmap) ? [HIDE_JOINER, map, SHOW_JOINER] : [map]);
  }
  if (normalizer.removeExtraWhitespaces) {
    steps.push(replace("^ +", ""), replace(`[ ${SPACE_MARK}]+$`, ""), replace(" {2,}", " "));
  }
  return steps.length > 0 ? { type: "Sequence", normalizers: steps } : null;
}

/**
 * The zero-width joiner stands for itself in SentencePiece's maps, but `@huggingface/tokenizers` takes rules of its own for
 * every map, and those make it a space. So it passes by as U+FDD1, a code point that is no character.
 */
const JOINER = "\u200d", HIDDEN_JOINER = "\ufdd1";
const HIDE_JOINER = replaceText(JOINER, HIDDEN_JOINER), SHOW_JOINER = replaceText(HIDDEN_JOINER, JOINER);

function leavesJoiner(charsmap: Uint8Array): boolean {
  const map = parseCharsmap(charsmap, "the character map");
  return [JOINER, HIDDEN_JOINER].map(utf8).every((bytes) =>
    map.match(bytes, { at: 0, end: bytes.length }).length === 0
  );
}

function preTokenizerJson({ pieces, trainer, normalizer }: ModelFile): Json {
  const split = !pieces.some(({ piece }) => piece.indexOf(SPACE_MARK, 1) > 0);
  const scheme = normalizer.addDummyPrefix ? "first" : "never";
  const metaspace: Json = { type: "Metaspace", replacement: SPACE_MARK, prepend_scheme: scheme, split };
  const pattern = reservedPattern(pieces, trainer.byteFallback);
  if (pattern === "") return metaspace;
  const cut: Json = { type: "Split", pattern: { Regex: pattern }, behavior: "MergedWithPrevious", invert: false };
  return { type: "Sequence", pretokenizers: [metaspace, cut] };
}

/**
 * Hugging Face looks for every entry of the vocabulary in a text, SentencePiece not for `<s>`, `<unk>` or `<0x0A>`. Cutting
 * the text inside such a name keeps it from being found. The cut is put where no ordinary piece is hurt and no run of unknown
 * characters is cut in two.
 */
function reservedPattern(pieces: readonly Piece[], byteFallback: boolean): string {
  const ordinary = pieces.filter(({ type }) => type === PieceType.normal || type === PieceType.userDefined);
  const known = new Set(ordinary.map(({ piece }) => piece));
  const sources: string[] = [];
  let bytes = false;
  for (const { piece, type } of pieces) {
    if (type !== PieceType.control && type !== PieceType.unknown && type !== PieceType.byte) continue;
    if (type === PieceType.byte && bytes) continue;
    bytes ||= type === PieceType.byte;
    const last = type === PieceType.byte ? 3 : piece.length;
    for (let cut = 1; cut < last; cut++) {
      const left = piece[cut - 1]!, right = piece[cut]!;
      if (!byteFallback && !known.has(left) && !known.has(right)) continue;
      if (ordinary.some(({ piece }) => piece.includes(left + right))) continue;
      const rest = type === PieceType.byte ? "0x".slice(cut - 1) + "[0-9A-F]{2}>" : escapePattern(piece.slice(cut));
      sources.push(`${escapePattern(piece.slice(0, cut))}(?=${rest})`);
      break;
    }
  }
  return sources.join("|");
}

/** Escapes what is special in the pattern languages of both ECMAScript and Oniguruma. */
const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

function decoderJson(file: ModelFile): Json {
  const { pieces, trainer, normalizer } = file;
  const unknown = pieces.find(({ type }) => type === PieceType.unknown)!;
  const steps: Json[] = [replaceText(unknown.piece, trainer.unknownSurface), replaceText(SPACE_MARK, " ")];
  if (trainer.byteFallback) steps.push({ type: "ByteFallback" });
  steps.push({ type: "Fuse" });
  if (normalizer.addDummyPrefix || normalizer.removeExtraWhitespaces) {
    steps.push({ type: "Strip", content: " ", start: 1, stop: 0 });
  }
  if (escapesMark(file)) steps.push(...UNESCAPING);
  return { type: "Sequence", decoders: steps };
}
