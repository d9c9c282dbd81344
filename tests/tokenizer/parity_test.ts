import assert from "node:assert/strict";
import { insideOf, Tokenizer } from "../../core/tokenizer/mod.ts";
import { corpus, oracles } from "./oracles.ts";

const text = corpus();

for (const { name, bytes, tokenizer, cases, whole } of oracles()) {
  Deno.test(`${name}: the ids, texts and four best segmentations of SentencePiece`, () => {
    for (const { text, ids, decoded, nbest4 } of cases) {
      assert.deepEqual([...tokenizer.encode(text)], ids, JSON.stringify(text));
      assert.equal(tokenizer.decode(ids), decoded, JSON.stringify(text));
      if (nbest4.length === 0) continue;
      const best = tokenizer.encodeNBest(text, 4).map((segmentation) => [...segmentation.ids]);
      assert.deepEqual(best, nbest4, JSON.stringify(text));
    }
  });

  Deno.test(`${name}: bytes in, the same bytes out`, () => {
    assert.deepEqual(tokenizer.toModelBytes(), bytes);
  });

  Deno.test({
    name: `${name}: the whole corpus as one text`,
    ignore: text === undefined || whole === undefined,
    fn: () => assert.deepEqual(Uint16Array.from(tokenizer.encode(text!)), whole),
  });

  Deno.test(`${name}: the pieces joined are the normalised text`, () => {
    for (const { text, ids } of cases) {
      const pieces = tokenizer.encodePieces(text);
      assert.equal(pieces.length, ids.length);
      const bytes = insideOf(tokenizer).pipeline.normalise(new TextEncoder().encode(text))[0]!;
      const decoded = pieces.join("").replace(/(?:<0x[0-9A-F]{2}>)+/g, (run) => {
        const values = run.match(/[0-9A-F]{2}(?=>)/g)!.map((hex) => parseInt(hex, 16));
        return new TextDecoder().decode(Uint8Array.from(values));
      });
      const found = ids.some((id) => insideOf(tokenizer).vocabulary.typeOf(id) === 6);
      if (!found) assert.equal(pieces.join(""), new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
      else if (!text.includes("<0x") && !text.includes("\ufeff")) {
        assert.equal(decoded, new TextDecoder().decode(bytes));
      }
    }
  });
}

Deno.test("malformed bytes count as one U+FFFD each, lone surrogates as one", () => {
  const { tokenizer } = oracles()[0]!;
  const unknown = insideOf(tokenizer).vocabulary.unknownId;
  const a = tokenizer.encode("a")[0]!, b = tokenizer.encode("b")[0]!;
  assert.deepEqual([...tokenizer.encodeBytes(Uint8Array.of(0x61, 0xed, 0xa0, 0x80, 0x62))], [a, unknown, b]);
  assert.deepEqual(tokenizer.encodePieces("a\ud800b"), ["a", "\ufffd", "b"]);
  const normalised = insideOf(tokenizer).pipeline.normalise(Uint8Array.of(0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x61))[0];
  assert.equal(new TextDecoder().decode(normalised), "\ufffd".repeat(5) + "a");
});

Deno.test("a decoded run of bytes keeps its characters and marks what is none", () => {
  const pieces = [{ piece: "<unk>", score: 0, type: 2 }];
  for (let byte = 0; byte < 256; byte++) {
    pieces.push({ piece: `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, score: 0, type: 6 });
  }
  const tokenizer = Tokenizer.fromModelFile({
    pieces,
    trainer: {
      vocabSize: 257,
      byteFallback: true,
      characterCoverage: 1,
      maxPieceLength: 16,
      userDefinedSymbols: [],
      whitespaceAsSuffix: false,
      unknownSurface: "?",
    },
    normalizer: {
      name: "identity",
      charsmap: new Uint8Array(0),
      addDummyPrefix: false,
      removeExtraWhitespaces: false,
      escapeWhitespaces: false,
    },
  }, { name: "bytes" });
  assert.equal(
    tokenizer.decode([0xe2, 0x82, 0xac, 0xff, 0xe2, 0x82, 0x41].map((byte) => byte + 1)),
    "€\ufffd\ufffd\ufffdA",
  );
  assert.equal(tokenizer.decode([0]), "?");
  assert.throws(() => tokenizer.decode([257]), /id 257 at position 0/);
});
