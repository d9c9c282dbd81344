import assert from "node:assert/strict";
import { insideOf, Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { MessageWriter } from "../../core/tokenizer/protobuf.ts";
import { oracles, SMALL_TEXT } from "./oracles.ts";
import { Client } from "../packages.ts";

const trained = trainTokenizer(SMALL_TEXT, { vocabSize: 500 });

for (
  const { name, tokenizer, cases } of [...oracles(), {
    name: "trained here",
    tokenizer: trained,
    cases: oracles()[0]!.cases,
  }]
) {
  Deno.test(`${name}: @huggingface/tokenizers reads our tokenizer.json and gives our ids`, () => {
    const client = new Client(JSON.parse(tokenizer.toJson()), {});
    for (const { text } of cases) {
      const { ids } = client.encode(text, { add_special_tokens: false });
      assert.deepEqual(ids, [...tokenizer.encode(text)], JSON.stringify(text));
      if (ids.length === 0) continue;
      const decoded = client.decode(ids, { clean_up_tokenization_spaces: false });
      assert.equal(decoded, tokenizer.decode(ids), JSON.stringify(text));
    }
  });

  Deno.test(`${name}: tokenizer.json comes back as the same tokenizer`, () => {
    const json = tokenizer.toJson(), back = Tokenizer.fromJson(json);
    assert.equal(back.toJson(), json);
    for (const { text } of cases) assert.deepEqual(back.encode(text), tokenizer.encode(text));
  });

  Deno.test(`${name}: its tokenizer.json, read as any other, gives its ids and texts`, () => {
    const json = { ...JSON.parse(tokenizer.toJson()), comment: "not ours any more" };
    const other = Tokenizer.fromJson(JSON.stringify(json));
    assert.equal(insideOf(other).vocabulary.arithmetic, "float64");
    for (const { text } of cases) {
      const ids = tokenizer.encode(text);
      assert.deepEqual(other.encode(text), ids, JSON.stringify(text));
      assert.equal(other.decode(ids), tokenizer.decode(ids));
    }
  });
}

const model = (tokenizer: Tokenizer): { vocab: [string, number][]; byte_fallback: boolean } => {
  return JSON.parse(tokenizer.toJson()).model;
};

Deno.test("byte fallback is written for ByteLevel: a character has the same score, and the file needs no fallback", () => {
  const { vocab, byte_fallback } = model(trained),
    scores = new Map(vocab),
    { unknownScore } = insideOf(trained).vocabulary;
  assert.equal(byte_fallback, false);
  // U+6F22 is E6 BC A2; "a" is known, so the byte 61 keeps its name.
  assert.deepEqual(["æ", "¼", "¢", "<0x61>"].map((name) => scores.get(name)), [unknownScore, 0, 0, unknownScore]);
  assert.ok(scores.get("a")! > unknownScore);
  assert.ok(vocab.some(([name]) => name === "âĸģthe") && !vocab.some(([name]) => name === "▁the"));
  const bytes = Array.from({ length: 256 }, (_, byte) => insideOf(trained).vocabulary.byteIds[byte]!);
  const foreign = Tokenizer.fromJson(JSON.stringify({ ...JSON.parse(trained.toJson()), comment: "" }));
  for (const id of bytes) assert.equal(foreign.decode([id]), trained.decode([id]));
});

Deno.test("where a symbol would be taken for a byte, byte_fallback is written instead", () => {
  const tokenizer = trainTokenizer(SMALL_TEXT, { vocabSize: 500, userDefinedSymbols: ["Ã", "\n"] });
  const json = tokenizer.toJson(), { vocab, byte_fallback } = model(tokenizer);
  assert.equal(byte_fallback, true);
  assert.ok(vocab.some(([name]) => name === "<0xC3>"));
  assert.equal(Tokenizer.fromJson(json).toJson(), json);
  assert.deepEqual(Tokenizer.fromJson(json).encode("Ã漢\n"), tokenizer.encode("Ã漢\n"));
});

/** A `tokenizer.json` as other tools write them: special tokens, Metaspace in both places, templates. */
function foreign(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      { id: 0, content: "<pad>", special: true, ...plain },
      { id: 2, content: "<unk>", special: true, ...plain },
      { id: 11, content: "<mask>", special: true, ...plain, lstrip: true },
    ],
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "NFKC" }, { type: "Replace", pattern: { Regex: " {2,}" }, content: " " }],
    },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    post_processor: null,
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    model: {
      type: "Unigram",
      unk_id: 2,
      vocab: [
        ["<pad>", 0],
        ["</s>", 0],
        ["<unk>", 0],
        ["▁", -2],
        ["h", -4],
        ["e", -4],
        ["l", -4],
        ["o", -4],
        ["▁hel", -3],
        ["lo", -3],
        ["he", -3.5],
      ],
    },
    ...changes,
  };
}

Deno.test("a foreign tokenizer.json gives the ids of its own kind of client", () => {
  const json = foreign(), tokenizer = Tokenizer.fromJson(JSON.stringify(json)), client = new Client(json, {});
  for (
    const text of [
      "hello",
      "hello  hello",
      " hello",
      "he<mask>lo",
      "hello <mask> hello",
      "xyz hello",
      "ｈello",
      "ole</s>",
    ]
  ) {
    const { ids } = client.encode(text, { add_special_tokens: false });
    assert.deepEqual([...tokenizer.encode(text)], ids, text);
  }
  assert.deepEqual([...tokenizer.encode("hello")], [8, 9]);
  assert.equal(tokenizer.decode([8, 9, 8, 9]), "hello hello");
  assert.throws(() => tokenizer.toModelBytes(), /cannot be written as a SentencePiece model/);
});

Deno.test("parts of tokenizer.json that are not understood are named with their place", () => {
  const refuse = (changes: Record<string, unknown>, words: RegExp) => {
    const text = JSON.stringify(foreign(changes));
    assert.throws(() => Tokenizer.fromJson(text, { name: "it.json" }), (error: Error) => {
      const place = /^it\.json: (?:damaged )?at (?:character|offset) (\d+): /.exec(error.message);
      assert.ok(place && words.test(error.message), error.message);
      assert.ok(Number(place[1]) > 0 && Number(place[1]) < text.length);
      return true;
    });
  };
  const model = foreign().model as Record<string, unknown>, vocab = model.vocab as [string, number][];
  refuse({ normalizer: { type: "BertNormalizer" } }, /BertNormalizer is not supported/);
  refuse({ pre_tokenizer: { type: "FixedLength" } }, /FixedLength is not supported/);
  refuse({ decoder: { type: "WordPiece" } }, /WordPiece is not supported/);
  refuse({ model: { type: "BPE" } }, /only Unigram/);
  refuse({ added_tokens: [], model: { ...model, vocab: [...vocab, ["he", -1]] } }, /already defined/);
  refuse({ added_tokens: [], model: { ...model, vocab: [["a", "b"]] } }, /wrong (?:type|value)/);
  refuse({ model: { ...model, unk_id: 99 } }, /unk_id/);
  refuse({ added_tokens: [], model: { ...model, unk_id: null } }, /no unknown piece/);
  refuse({ model: { ...model, byte_fallback: true } }, /<0x00> is missing/);
  refuse({ normalizer: { type: "Replace", pattern: { Regex: "(" }, content: "" } }, /regular expression/);
  refuse({ added_tokens: [{ id: 50, content: "x" }] }, /gap/);
});

Deno.test("fields nobody here knows survive a round trip", () => {
  const bytes = new MessageWriter()
    .bytes(1, new MessageWriter().text(1, "<unk>").float(2, 0).varint(3, 2).text(200, "kept").finish())
    .bytes(1, new MessageWriter().text(1, "▁a").float(2, -1).finish())
    .bytes(2, new MessageWriter().varint(3, 1).varint(4, 2).text(300, "trainer").finish())
    .bytes(3, new MessageWriter().text(1, "identity").text(301, "normaliser").finish())
    .bytes(4, new MessageWriter().text(1, "self test").finish())
    .bytes(777, new TextEncoder().encode("future")).finish();
  assert.deepEqual(Tokenizer.fromModelBytes(bytes).toModelBytes(), bytes);
});

Deno.test("a model file written here reads back as it was", () => {
  const back = Tokenizer.fromModelBytes(trained.toModelBytes());
  assert.deepEqual(back.pieces, trained.pieces);
  assert.equal(back.hash, trained.hash);
  assert.equal(back.decode(back.encode(SMALL_TEXT)), SMALL_TEXT);
});
