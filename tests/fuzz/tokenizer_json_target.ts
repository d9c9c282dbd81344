import { strict as assert } from "node:assert";
import { loadPatterns } from "../../core/tokenizer/huggingface/patterns.ts";
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import type { Dice } from "./dice.ts";
import { spoilt } from "./spoil.ts";
import type { FuzzTarget } from "./targets.ts";

await loadPatterns('"Regex"');

const NORMALIZERS = [
  null,
  { type: "NFKC" },
  {
    type: "Sequence",
    normalizers: [{ type: "Replace", pattern: { Regex: " {2,}" }, content: " " }, { type: "Lowercase" }],
  },
  { type: "Strip", strip_left: true, strip_right: false },
  { type: "Prepend", prepend: "▁" },
  { type: "Nmt" },
];
const CUTS = [
  null,
  { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: true },
  { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, { type: "Digits", individual_digits: true }] },
  { type: "Split", pattern: { String: "a" }, behavior: "MergedWithNext", invert: false },
  { type: "Split", pattern: { Regex: "[\\w&&[^a]]+|\\s$" }, behavior: "Contiguous", invert: true },
  { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
];
const DECODERS = [
  null,
  { type: "Metaspace", replacement: "▁", prepend_scheme: "always" },
  { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }] },
  { type: "Strip", content: " ", start: 1, stop: 0 },
  { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
];
const TEXT = "a ab é\n語  he<m>lo ";

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const letters = ["▁", "a", "b", "▁a", "ab", "é", "h", "e", "l", "o"].slice(dice.below(8));
  const root = {
    added_tokens: dice.once(2) ? [] : [
      { id: 0, content: "<unk>", special: true },
      {
        id: letters.length + 1,
        content: "<m>",
        special: dice.once(2),
        lstrip: dice.once(2),
        single_word: dice.once(4),
      },
    ],
    normalizer: dice.pick(NORMALIZERS),
    pre_tokenizer: dice.pick(CUTS),
    decoder: dice.pick(DECODERS),
    model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0], ...letters.map((piece, i) => [piece, -1 - i / 4])] },
  };
  const sound = dice.once(2);
  // Constants are shared, so a copy is changed.
  const made = sound ? root : spoilt(JSON.parse(JSON.stringify(root)), dice);
  return { bytes: new TextEncoder().encode(JSON.stringify(made)), sound };
}

/** An accepted tokenizer encodes and decodes any text, and survives a round trip through its own file. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const tokenizer = Tokenizer.fromJson(new TextDecoder().decode(bytes), { name: "input" });
  const ids = tokenizer.encode(TEXT);
  for (const id of ids) assert(id < tokenizer.vocabSize);
  assert.equal(typeof tokenizer.decode(ids), "string");
  const again = Tokenizer.fromJson(tokenizer.toJson(), { name: "again" });
  assert.equal(again.vocabSize, tokenizer.vocabSize);
  return true;
}

/** The reader of Hugging Face's `tokenizer.json`. */
export const tokenizerJsonTarget: FuzzTarget = { generate, parse };
