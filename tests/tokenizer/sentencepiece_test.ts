/** SentencePiece itself, from the Debian package `sentencepiece`, loads what is written here and gives the same ids. */
import assert from "node:assert/strict";
import { insideOf, type Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { oracles, SMALL_TEXT } from "./oracles.ts";
import { spmInstalled, spmRun } from "./spm.ts";

const ignore = !await spmInstalled();

/** Texts that a line-based program can be given. */
const TEXTS = oracles()[0]!.cases.map(({ text }) => text)
  .filter((text) => text.length > 0 && !/[\n\r\0]/.test(text) && text.isWellFormed());

const options = { vocabSize: 500 };
const TRAINED: Record<string, Tokenizer> = {
  lossless: trainTokenizer(SMALL_TEXT, options),
  "nmt_nfkc with unknowns": trainTokenizer(SMALL_TEXT, {
    ...options,
    byteFallback: false,
    characterCoverage: 0.97,
    normalization: "nmt_nfkc",
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    userDefinedSymbols: [],
  }),
  "long symbols": trainTokenizer(SMALL_TEXT, { ...options, userDefinedSymbols: ["  ", "ROMEO:", "wherefore art"] }),
  "a dummy prefix and every space": trainTokenizer(SMALL_TEXT, {
    ...options,
    normalization: "nfkc",
    addDummyPrefix: true,
  }),
};

for (const [name, tokenizer] of Object.entries(TRAINED)) {
  Deno.test({
    name: `SentencePiece encodes, finds n best and decodes with our model as we do: ${name}`,
    ignore,
    fn: async () => {
      const model = tokenizer.toModelBytes();
      const encoded = await spmRun("spm_encode", { model, args: ["--output_format=id"], lines: TEXTS });
      assert.deepEqual(encoded, TEXTS.map((text) => tokenizer.encode(text).join(" ")));
      const short = TEXTS.filter((text) => text.trim().length > 0 && text.length < 60);
      const best = await spmRun("spm_encode", {
        model,
        args: ["--output_format=nbest_id", "--nbest_size=3"],
        lines: short,
      });
      const ours = short.flatMap((text) => tokenizer.encodeNBest(text, 3).map(({ ids }) => ids.join(" ")));
      assert.deepEqual(best.filter((line) => line.length > 0), ours.filter((line) => line.length > 0));
      const decoded = await spmRun("spm_decode", { model, args: ["--input_format=id"], lines: encoded });
      assert.deepEqual(decoded, encoded.map((line) => tokenizer.decode(line.split(" ").filter(Boolean).map(Number))));
    },
  });
}

Deno.test({
  name: "SentencePiece decodes odd sequences as we do",
  ignore,
  fn: async () => {
    for (const tokenizer of [...Object.values(TRAINED), ...oracles().map((oracle) => oracle.tokenizer)]) {
      const id = (piece: string) =>
        insideOf(tokenizer).vocabulary.idOf(piece) ?? insideOf(tokenizer).vocabulary.unknownId;
      const mark = id("▁"),
        a = id("a"),
        bytes = [0xe2, 0x82, 0xff, 0x41, 0xc3, 0xa9].map((byte) => {
          return id(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
        });
      const sequences = [[mark], [mark, mark, a], [1, mark, a], [mark, 1, mark, a], [0, a, 0], [a, ...bytes, a], [
        ...bytes,
      ], [2]];
      const lines = sequences.map((ids) => ids.join(" "));
      const decoded = await spmRun("spm_decode", {
        model: tokenizer.toModelBytes(),
        args: ["--input_format=id"],
        lines,
      });
      assert.deepEqual(decoded, sequences.map((ids) => tokenizer.decode(ids)));
    }
  },
});
