/** Random `tokenizer.json` files as other programs might write them. */
import type { Dice } from "../../fuzz/dice.ts";
import { compileCharsmap } from "../../../core/tokenizer/charsmap.ts";
import { bytePiece } from "../../../core/tokenizer/vocabulary.ts";
import { alphabetOf, piecesOf, scoreOf } from "./models.ts";
import { characterOf } from "./texts.ts";

type Json = Record<string, unknown>;

/** What takes characters, and what takes none. */
const ATOMS = [
  "\\d",
  "\\D",
  "\\w",
  "\\W",
  "\\s",
  "\\S",
  ".",
  "a",
  "b",
  "[a-c]",
  "[^ab]",
  "[[:alpha:]]",
  "[[:space:]]",
  "[[:punct:]]",
  "[a-f&&[^bd]]",
  "[\\w&&[^a]]",
  "[^\\s&&\\W]",
  "[\\d\\s]",
  "\\p{L}",
  "\\p{Lu}",
  "\\P{N}",
  "\\p{Han}",
  "\\p{^L}",
  "\\h",
  "\\H",
  "(?i:AB)",
  "(?m:.)",
  "\\x61",
  "\\u0062",
  "\\t",
  "(?>a|b)",
];
const PLACES = ["^", "$", "\\A", "\\z", "\\Z", "\\b", "\\B", "(?=a)", "(?!a)", "(?<=b)", "(?<!b)"];
const REPEATS = ["", "", "", "+", "+?", "{2}", "{1,3}", "{2,}", "++"];

/** A regular expression of Oniguruma that takes at least one character. */
function regexOf(dice: Dice): string {
  const one = () => dice.pick(ATOMS) + dice.pick(REPEATS),
    optional = () => dice.once(3) ? dice.pick(ATOMS) + dice.pick(["?", "*"]) : "";
  const branch = () =>
    (dice.once(4) ? dice.pick(PLACES) : "") + optional() + one() + optional() + (dice.once(4) ? dice.pick(PLACES) : "");
  return dice.once(3) ? `${branch()}|${branch()}` : branch();
}

const patternOf = (dice: Dice): Json =>
  dice.once(3) ? { String: dice.pick(["a", " ", "ab", "▁", "b "]) } : { Regex: regexOf(dice) };

function normalizerOf(dice: Dice, depth = 0): Json {
  const kind = dice.pick([
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Lowercase",
    "StripAccents",
    "Strip",
    "Prepend",
    "Replace",
    "Nmt",
    "Precompiled",
    "Sequence",
  ]);
  if (kind === "Strip") return { type: kind, strip_left: dice.once(2), strip_right: dice.once(2) };
  if (kind === "Prepend") return { type: kind, prepend: dice.pick(["▁", "a", " x"]) };
  if (kind === "Replace") return { type: kind, pattern: patternOf(dice), content: dice.pick(["", " ", "a", "bc"]) };
  if (kind === "Precompiled") {
    const word = () =>
      Array.from({ length: 1 + dice.below(2) }, () => dice.once(2) ? "a" : characterOf(dice, { settled: true })).join(
        "",
      );
    const rules = new Map(Array.from({ length: 4 }, () => [word(), dice.once(4) ? "" : word()] as const));
    return { type: kind, precompiled_charsmap: compileCharsmap(rules).toBase64() };
  }
  if (kind === "Sequence" && depth < 2) {
    return { type: kind, normalizers: Array.from({ length: 1 + dice.below(3) }, () => normalizerOf(dice, depth + 1)) };
  }
  return { type: kind === "Sequence" ? "NFC" : kind };
}

const BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];
const SCHEMES = ["always", "never", "first"];

function preTokenizerOf(dice: Dice, { schemes, depth = 0 }: { schemes: readonly string[]; depth?: number }): Json {
  const kind = dice.pick([
    "Metaspace",
    "Metaspace",
    "Whitespace",
    "WhitespaceSplit",
    "Split",
    "Split",
    "Punctuation",
    "Digits",
    "ByteLevel",
    "Sequence",
  ]);
  if (kind === "Metaspace") {
    return { type: kind, replacement: "▁", prepend_scheme: dice.pick(schemes), split: dice.once(2) };
  }
  if (kind === "Split") {
    return { type: kind, pattern: patternOf(dice), behavior: dice.pick(BEHAVIOURS), invert: dice.once(4) };
  }
  if (kind === "Punctuation") return { type: kind, behavior: dice.pick(BEHAVIOURS) };
  if (kind === "Digits") return { type: kind, individual_digits: dice.once(2) };
  if (kind === "ByteLevel") {
    return { type: kind, add_prefix_space: dice.once(2), trim_offsets: true, use_regex: dice.once(2) };
  }
  if (kind === "Sequence" && depth < 2) {
    // Behind a step that puts something in front, "first" finds several firsts: see docs/tokenizer.md.
    const list = Array.from(
      { length: 1 + dice.below(3) },
      () => preTokenizerOf(dice, { schemes: ["always", "never"], depth: depth + 1 }),
    );
    return { type: kind, pretokenizers: list };
  }
  return { type: kind === "Sequence" ? "Whitespace" : kind };
}

function decoderOf(dice: Dice, depth = 0): Json {
  const kind = dice.pick(["Metaspace", "Replace", "Strip", "Fuse", "ByteFallback", "ByteLevel", "Sequence"]);
  if (kind === "Metaspace") return { type: kind, replacement: "▁", prepend_scheme: dice.pick(SCHEMES), split: true };
  if (kind === "Replace") return { type: kind, pattern: patternOf(dice), content: dice.pick(["", " ", "a"]) };
  if (kind === "Strip") {
    return {
      type: kind,
      content: dice.pick([" ", "a", "▁"]),
      start: 1,
      stop: 0,
    };
  }
  if (kind === "ByteLevel") return { type: kind, add_prefix_space: true, trim_offsets: true, use_regex: true };
  if (kind === "Sequence" && depth < 2) {
    return { type: kind, decoders: Array.from({ length: 1 + dice.below(3) }, () => decoderOf(dice, depth + 1)) };
  }
  return { type: kind === "Sequence" ? "Fuse" : kind };
}

function addedTokensOf(
  dice: Dice,
  { size, known, normalizer }: { size: number; known: ReadonlySet<string>; normalizer: Json | null },
): Json[] {
  const names = ["<m>", "qq", "<pad>", "ab", "a b", "é"].filter((name) => !known.has(name) && dice.once(2));
  // The library stops at tokens that take spaces from each other on both sides.
  const side = dice.pick(["lstrip", "rstrip"]);
  // Of two tokens with one normalised text the library finds either, at random.
  const distinct = normalizer === null || ["NFC", "NFKD", "Lowercase", "Strip"].includes(String(normalizer.type));
  return names.map((content, i) => ({
    id: size + i,
    content,
    single_word: dice.once(4),
    lstrip: false,
    rstrip: false,
    ...(dice.once(3) ? { [side]: true } : {}),
    normalized: distinct && dice.once(2),
    special: dice.once(3),
  }));
}

/** A file, and texts that a text for it is made of. */
export function foreignFile(dice: Dice): { root: Json; pieces: string[] } {
  const names = piecesOf(dice, alphabetOf(dice, { settled: true })), byteFallback = dice.once(3);
  const vocab: [string, number][] = [["<unk>", 0], ...names.map((name): [string, number] => [name, scoreOf(dice)])];
  for (let byte = 0; byteFallback && byte < 256; byte++) vocab.push([bytePiece(byte), 0]);
  // "first" looks at offsets into the given text, which a normaliser changes: see docs/tokenizer.md.
  const normalizer = dice.once(2) ? normalizerOf(dice) : null, schemes = normalizer ? ["always", "never"] : SCHEMES;
  const added = dice.once(2) ? addedTokensOf(dice, { size: vocab.length, known: new Set(names), normalizer }) : [];
  const root = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer,
    pre_tokenizer: dice.once(4) ? null : preTokenizerOf(dice, { schemes }),
    post_processor: null,
    decoder: dice.once(4) ? null : decoderOf(dice),
    model: { ...(dice.once(8) ? {} : { type: "Unigram" }), unk_id: 0, vocab, byte_fallback: byteFallback },
  };
  return { root, pieces: [...names, ...added.map(({ content }) => String(content)), "1", ".", "A", "\n"] };
}
