/** Symbols that are always one token, spaces in them, and the promise of a lossless tokenizer. */
import assert from "node:assert/strict";
import { UsageError } from "../../core/errors.ts";
import { Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { Client, fc } from "../packages.ts";
import { SMALL_TEXT } from "./oracles.ts";
import { spmInstalled, spmRun } from "./spm.ts";

const ignore = !await spmInstalled();
const SYMBOLS = ["the quick", " and ", "  ", "a b c", "ROMEO: ", "\n"];

for (const normalization of ["lossless", "identity"] as const) {
  const options = { vocabSize: 500, normalization, userDefinedSymbols: SYMBOLS };
  const tokenizer = trainTokenizer(`see the quick fox and a b c\n${SMALL_TEXT}`, options);
  const TEXTS = {
    "see the quick": "the▁quick",
    "x and y": "▁and▁",
    "a  b": "▁▁",
    "ROMEO: wherefore": "ROMEO:▁",
    "xa b cx": "a▁b▁c",
  };

  Deno.test(`${normalization}: a symbol with spaces is one token, here and in other programs`, async () => {
    const json = tokenizer.toJson(), client = new Client(JSON.parse(json), {});
    for (const [text, piece] of Object.entries(TEXTS)) {
      assert.ok(tokenizer.encodePieces(text).includes(piece), `${text}: ${tokenizer.encodePieces(text)}`);
      const ids = [...tokenizer.encode(text)];
      assert.deepEqual([...Tokenizer.fromJson(json).encode(text)], ids);
      assert.deepEqual([...Tokenizer.fromModelBytes(tokenizer.toModelBytes()).encode(text)], ids);
      assert.deepEqual(client.encode(text, { add_special_tokens: false }).ids, ids, text);
      assert.equal(tokenizer.decode(ids), text);
      assert.equal(client.decode(ids, { clean_up_tokenization_spaces: false }), text);
    }
    if (ignore) return;
    const lines = Object.keys(TEXTS), model = tokenizer.toModelBytes();
    const theirs = await spmRun("spm_encode", { model, args: ["--output_format=id"], lines });
    assert.deepEqual(theirs, lines.map((line) => tokenizer.encode(line).join(" ")));
  });
}

Deno.test("lossless: with symbols, too, decoding gives back every text", () => {
  const symbols = [...SYMBOLS, "0", "1", "é", "<end>"];
  const tokenizer = trainTokenizer(SMALL_TEXT, { vocabSize: 500, userDefinedSymbols: symbols });
  const part = fc.constantFrom("the", " ", "quick", "▁", "the▁quick", "\ufdd0", "0", "1", "  ", "é", "x", ...symbols);
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("lossless: a symbol that would break the promise is refused", () => {
  for (const symbol of ["▁", "a▁b", " ▁", "\ufdd0", "x\ufdd0"]) {
    const train = () => trainTokenizer(SMALL_TEXT, { vocabSize: 500, userDefinedSymbols: [symbol] });
    assert.throws(train, (error: Error) => error instanceof UsageError && /U\+2581 and U\+FDD0/.test(error.message));
  }
  const plain = trainTokenizer(SMALL_TEXT, { vocabSize: 500, userDefinedSymbols: ["▁"], normalization: "identity" });
  assert.ok(plain.encodePieces("a b").includes("▁"));
});

Deno.test("a space and U+2581 in a symbol are one where a tokenizer is not lossless", () => {
  const options = { vocabSize: 500, normalization: "identity", userDefinedSymbols: ["a b", "a▁b"] } as const;
  const tokenizer = trainTokenizer(SMALL_TEXT, options);
  assert.equal(tokenizer.pieces.filter(({ type }) => type === 4).length, 1);
  const folded = trainTokenizer(SMALL_TEXT, { ...options, normalization: "nfkc", userDefinedSymbols: ["ﬁ x"] });
  assert.deepEqual(folded.encodePieces("ﬁ x"), ["fi▁x"]);
});
