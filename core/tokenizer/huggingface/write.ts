/** A SentencePiece tokenizer as Hugging Face's `tokenizer.json`. */
import { HymbaError } from "../../errors.ts";
import { fromByteCharacters, toByteCharacters } from "../byte_level.ts";
import { SPACE_MARK, utf8 } from "../bytes.ts";
import { parseCharsmap } from "../charsmap.ts";
import { escapesMark, MARK_ESCAPE } from "../mark_escape.ts";
import type { ModelFile } from "../model_file.ts";
import { type Piece, PieceType } from "../vocabulary.ts";
import { byteLevelMark, byteLevelVocabulary } from "./byte_fallback.ts";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const replace = (regex: string, content: string): Json => ({ type: "Replace", pattern: { Regex: regex }, content });
const replaceText = (text: string, content: string): Json => ({ type: "Replace", pattern: { String: text }, content });

/** The lossless escape of U+2581 as normaliser steps, and its inverse as decoder steps. */
export const ESCAPING: readonly Json[] = MARK_ESCAPE.steps.map(([from, to]) => replaceText(from, to));
const UNESCAPING: readonly Json[] = MARK_ESCAPE.steps.toReversed().map(([from, to]) => replaceText(to, from));

/** Whether the format can express everything that a model does. */
export function canBeJson(file: ModelFile): boolean {
  const renames = (file.denormalizer?.charsmap.length ?? 0) > 0 && !escapesMark(file);
  return !file.trainer.whitespaceAsSuffix && file.normalizer.escapeWhitespaces && !renames;
}

/**
 * The contents of a `tokenizer.json` that gives the same ids as the model.
 *
 * Two things do not carry over: the 32-bit sums (Hugging Face adds in 64 bits, so near ties in a long text may be decided
 * differently), and a dummy prefix next to user-defined symbols (Hugging Face applies it to the text between symbols). Byte
 * fallback is written for `ByteLevel` (`byte_fallback.ts`) if possible. `byteLevel: false` writes `byte_fallback` instead.
 * @throws {HymbaError} when the model puts spaces after words or does not mark them.
 */
export function toTokenizerJson(model: ModelFile, { byteLevel = true } = {}): Json {
  const file = { ...model, pieces: model.pieces.map(symbolAsText) }, { pieces, trainer } = file;
  if (!canBeJson(file)) {
    throw new HymbaError("this tokenizer cannot be written as tokenizer.json", {
      expected: "spaces marked by U+2581, in front of words, and no rules for decoded text",
    });
  }
  const vocabulary = byteLevel ? byteLevelVocabulary(file) : undefined, isByteLevel = vocabulary !== undefined;
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
    pre_tokenizer: preTokenizerJson(file, { isByteLevel }),
    post_processor: null,
    decoder: isByteLevel ? byteLevelDecoderJson(file) : decoderJson(file),
    model: {
      type: "Unigram",
      unk_id: pieces.findIndex(({ type }) => type === PieceType.unknown),
      vocab: vocabulary ?? pieces.map(({ piece, score }) => [piece, score]),
      byte_fallback: trainer.byteFallback && !isByteLevel,
    },
  };
}

/**
 * The start and the end of the whole text, in syntax that ECMAScript and Oniguruma share. Oniguruma's `^` and `$` match at
 * every line.
 */
const AT_START = "(?<![\\s\\S])", AT_END = "(?![\\s\\S])";

/** Repeated spaces become one. */
export const ONE_SPACE = replace(" {2,}", " ");
/** Hugging Face looks for a symbol in the text, SentencePiece in the normalised text, where a space is U+2581. */
const symbolAsText = (entry: Piece): Piece =>
  entry.type === PieceType.userDefined ? { ...entry, piece: entry.piece.replaceAll(SPACE_MARK, " ") } : entry;

/** The inverse. */
export const symbolAsPiece = (entry: Piece): Piece =>
  entry.type === PieceType.userDefined ? { ...entry, piece: entry.piece.replaceAll(" ", SPACE_MARK) } : entry;

/**
 * How the dummy prefix is written. Usually `Metaspace` adds it. Where spaces are kept, the normaliser adds a space, because
 * `Metaspace` adds nothing before a space. Where symbols cut a text into parts, `Metaspace` has the scheme "first". That
 * compares offsets in the given text, so it adds no prefix when a rule removed the first character.
 */
function prefixKind({ pieces, normalizer }: ModelFile): "never" | "first" | "always" | "space" {
  if (!normalizer.addDummyPrefix) return "never";
  if (pieces.some(({ type }) => type === PieceType.userDefined)) return "first";
  return normalizer.removeExtraWhitespaces ? "always" : "space";
}

function normalizerJson(file: ModelFile): Json {
  const { normalizer } = file, steps: Json[] = [];
  if (escapesMark(file)) steps.push(...ESCAPING);
  else if (normalizer.charsmap.length > 0) {
    const map: Json = { type: "Precompiled", precompiled_charsmap: normalizer.charsmap.toBase64() };
    steps.push(...leavesJoiner(normalizer.charsmap) ? [HIDE_JOINER, map, SHOW_JOINER] : [map]);
  }
  if (normalizer.removeExtraWhitespaces) {
    // A space that remains at the start serves as the dummy prefix.
    if (!normalizer.addDummyPrefix) steps.push(replace(`${AT_START} +`, ""));
    steps.push(replace(`[ ${SPACE_MARK}]+${AT_END}`, ""), ONE_SPACE);
  }
  if (prefixKind(file) === "space") steps.push({ type: "Prepend", prepend: " " });
  return steps.length > 0 ? { type: "Sequence", normalizers: steps } : null;
}

/**
 * SentencePiece's maps do not change the zero-width joiner. But `@huggingface/tokenizers` replaces every map by rules of its
 * own, and these make it a space. So it is written as U+FDD1, a noncharacter, while the map is applied.
 */
const JOINER = "\u200d", HIDDEN_JOINER = "\ufdd1";
const HIDE_JOINER = replaceText(JOINER, HIDDEN_JOINER), SHOW_JOINER = replaceText(HIDDEN_JOINER, JOINER);

function leavesJoiner(charsmap: Uint8Array): boolean {
  const map = parseCharsmap(charsmap, "the character map");
  return [JOINER, HIDDEN_JOINER].map(utf8).every((bytes) =>
    map.match(bytes, { at: 0, end: bytes.length }).length === 0
  );
}

function preTokenizerJson(file: ModelFile, { isByteLevel }: { isByteLevel: boolean }): Json {
  const { pieces, trainer } = file, inside = pieces.some(({ piece }) => piece.indexOf(SPACE_MARK, 1) > 0);
  // A run of unknown characters is one token, so it is not cut at a mark that is unknown, too.
  const known = pieces.some(({ piece, type }) => piece === SPACE_MARK && type === PieceType.normal);
  const split = !inside && (known || trainer.byteFallback);
  const kind = prefixKind(file), scheme = kind === "space" ? "never" : kind;
  const metaspace: Json = { type: "Metaspace", replacement: SPACE_MARK, prepend_scheme: scheme, split };
  const pattern = reservedPattern(pieces, trainer.byteFallback), steps = [metaspace];
  if (pattern !== "") {
    steps.push({ type: "Split", pattern: { Regex: pattern }, behavior: "MergedWithPrevious", invert: false });
  }
  if (isByteLevel) steps.push({ type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false });
  return steps.length === 1 ? metaspace : { type: "Sequence", pretokenizers: steps };
}

/**
 * Hugging Face looks for every entry of the vocabulary in a text, but SentencePiece does not look for `<s>`, `<unk>` or
 * `<0x0A>`. A cut inside such a name prevents that it is found. The cut is at a place where it divides no ordinary piece and
 * no run of unknown characters.
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
      const left = piece.charAt(cut - 1), right = piece.charAt(cut);
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

/** Removes the space of a dummy prefix and resolves escapes. */
function endOfDecoder(file: ModelFile): Json[] {
  return [
    ...(file.normalizer.addDummyPrefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
    ...(escapesMark(file) ? UNESCAPING : []),
  ];
}

/** `ByteFallback` decodes byte pieces that kept their names; `ByteLevel` decodes all other pieces. */
function byteLevelDecoderJson(file: ModelFile): Json {
  const unknown = file.pieces.find(({ type }) => type === PieceType.unknown)!;
  // Long symbols first, because a short one may be a part of a long one.
  const symbols = file.pieces.filter(({ piece, type }) => type === PieceType.userDefined && !fromByteCharacters(piece))
    .map(({ piece }) => piece).sort((a, b) => b.length - a.length);
  const decoders: Json[] = [
    replaceText(unknown.piece, toByteCharacters(file.trainer.unknownSurface)),
    ...symbols.map((symbol) => replaceText(symbol, toByteCharacters(symbol))),
    replaceText(byteLevelMark.from, byteLevelMark.to),
    { type: "ByteFallback" },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
    ...endOfDecoder(file),
  ];
  return { type: "Sequence", decoders };
}

function decoderJson(file: ModelFile): Json {
  const { pieces, trainer } = file;
  const unknown = pieces.find(({ type }) => type === PieceType.unknown)!;
  const steps: Json[] = [replaceText(unknown.piece, trainer.unknownSurface), replaceText(SPACE_MARK, " ")];
  if (trainer.byteFallback) steps.push({ type: "ByteFallback" });
  steps.push({ type: "Fuse" });
  steps.push(...endOfDecoder(file));
  return { type: "Sequence", decoders: steps };
}
