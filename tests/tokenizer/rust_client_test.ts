import assert from "node:assert/strict";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { oracles, SMALL_TEXT } from "./oracles.ts";
import { RustLibrary } from "./rust_library.ts";

const options = { vocabSize: 500, userDefinedSymbols: [], addDummyPrefix: true } as const;
const small = [
  { name: "lossless", tokenizer: trainTokenizer(SMALL_TEXT, { vocabSize: 500 }) },
  {
    name: "identity with a dummy prefix",
    tokenizer: trainTokenizer(SMALL_TEXT, { ...options, normalization: "identity" }),
  },
];

async function askOnce(json: string, texts: readonly string[]) {
  const library = new RustLibrary();
  try {
    return await library.ask(json, texts);
  } finally {
    await library.close();
  }
}

// Prints the reason where the library cannot be fetched.
const ignore = await askOnce(small[0]!.tokenizer.toJson(), ["a text"]) === undefined;

for (const { name, tokenizer } of [...oracles(), ...small]) {
  Deno.test({
    name: `${name}: Hugging Face's Rust library reads our tokenizer.json and gives our ids and texts`,
    ignore,
    fn: async () => {
      // Lone surrogates cannot be passed to Rust.
      const texts = oracles()[0]!.cases.map(({ text }) => text).filter((text) => text.isWellFormed());
      const seen = await askOnce(tokenizer.toJson(), texts);
      assert.ok(Array.isArray(seen), JSON.stringify(seen));
      assert.equal(seen.length, texts.length);
      for (const [i, { ids, decoded }] of seen.entries()) {
        assert.deepEqual(ids, [...tokenizer.encode(texts[i]!)], JSON.stringify(texts[i]));
        assert.equal(decoded, tokenizer.decode(ids), JSON.stringify(texts[i]));
      }
    },
  });
}
