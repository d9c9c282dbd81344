/** Tokenizer files of other programs. Expected tokens are those of Hugging Face's Rust library. */
import assert from "node:assert/strict";
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { MessageWriter } from "../../core/tokenizer/protobuf.ts";

type Json = Record<string, unknown>;

/** A `tokenizer.json` whose model has these pieces, all of one score, and every letter of them. */
function file(pieces: string[], changes: Json = {}, model: Json = {}): string {
  const all = [...new Set([...pieces, ...pieces.join("")])];
  return JSON.stringify({
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    decoder: null,
    ...changes,
    model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0], ...all.map((piece) => [piece, -1])], ...model },
  });
}

const pieces = (json: string, text: string) => Tokenizer.fromJson(json).encodePieces(text).join(" ");

const NORMALIZED: Record<string, { normalizer: Json; texts: Record<string, string> }> = {
  "StripAccents takes every kind of mark": {
    normalizer: { type: "StripAccents" },
    texts: { "का": "▁ क", "ก\u0e34": "▁ ก", "க\u0bbe": "▁ க", "e\u20dd": "▁ e", "a\u0301": "▁ a" },
  },
  "Lowercase has one small sigma": {
    normalizer: { type: "Lowercase" },
    texts: { "ΟΔΟΣ": "▁ ο δ ο σ", "ΑΣ ΑΣ": "▁ α σ ▁ α σ", "ςΣ": "▁ ς σ", "İ": "▁ i \u0307" },
  },
  "Nmt deletes controls and knows more spaces": {
    normalizer: { type: "Nmt" },
    texts: {
      "a\u0001b": "▁ a b",
      "a\u200bb": "▁ a ▁ b",
      "a\tb\u0085": "▁ a ▁ b \u0085",
      "a\ufeffb\u2581": "▁ a ▁ b ▁",
    },
  },
  "Strip takes Unicode's spaces": {
    normalizer: { type: "Strip", strip_left: true, strip_right: true },
    texts: { "\u0085a\u3000": "▁ a", "\ufeffa\ufeff": "▁ \ufeff a \ufeff", "\u00a0 a": "▁ a" },
  },
};
for (const [name, { normalizer, texts }] of Object.entries(NORMALIZED)) {
  Deno.test(`normalisers of tokenizer.json: ${name}`, () => {
    const letters = [...new Set(Object.values(texts).join("").replaceAll(" ", ""))];
    for (const [text, expected] of Object.entries(texts)) {
      assert.equal(pieces(file(letters, { normalizer }), text), expected, JSON.stringify(text));
    }
  });
}

/** The same with an added token after the pieces. */
function withToken(letters: string[], content: string, flags: Json): string {
  const { model, ...root } = JSON.parse(file(letters));
  const token = { id: model.vocab.length, content, special: false, normalized: false, ...flags };
  return JSON.stringify({ ...root, added_tokens: [token], model });
}

Deno.test("an added token that is a single word needs no word beside it, and takes its spaces afterwards", () => {
  const word = withToken(["q", "▁a"], "qq", { single_word: true, lstrip: true });
  assert.equal(pieces(word, "a qq a"), "▁a qq ▁a");
  assert.equal(pieces(word, "aqq"), "▁a q q");
  assert.equal(pieces(word, "qqa"), "▁ q q a");
  assert.equal(pieces(word, "qq"), "qq");
  assert.equal(pieces(word, "𝐀qq"), "▁ 𝐀 q q");
  assert.equal(pieces(word, "a  qq."), "▁a qq ▁ .");
  const right = withToken(["q", "▁a"], "qq", { single_word: true, rstrip: true });
  assert.equal(pieces(right, "a qq \u0085 a"), "▁a ▁ qq ▁a");
});

for (const flags of [{ lstrip: true }, { rstrip: true }, { lstrip: true, rstrip: true, single_word: true }]) {
  Deno.test(`long runs of spaces take linear time beside an added token: ${JSON.stringify(flags)}`, () => {
    const tokenizer = Tokenizer.fromJson(withToken(["x"], "<m>", flags));
    const start = performance.now();
    for (const text of [`x${" ".repeat(400_000)}x`, " ".repeat(400_000), `<m>${" ".repeat(200_000)}<m>`]) {
      assert.ok(tokenizer.encode(text).length > 0);
    }
    assert.ok(performance.now() - start < 10_000, `${performance.now() - start} ms`);
  });
}

Deno.test("a model without its type is a Unigram model when it lists its pieces", () => {
  assert.equal(pieces(file(["▁hello"], {}, { type: undefined }), "hello"), "▁hello");
  assert.equal(pieces(file(["▁ab", "a"], {}, { type: null }), "ab a"), "▁ab ▁ a");
  const other = JSON.stringify({ model: { vocab: { a: 0, b: 1 }, merges: [] } });
  assert.throws(() => Tokenizer.fromJson(other), /not a Unigram model/);
});

Deno.test("a byte order mark and line breaks before a tokenizer.json do no harm", () => {
  for (const before of ["\ufeff", "\n", "\n\n\t ", "\ufeff\r\n"]) {
    assert.equal(pieces(before + file(["▁hello"]), "hello"), "▁hello", JSON.stringify(before));
  }
});

Deno.test("models of other kinds are called so, not damaged", () => {
  const ofType = (type: number) =>
    new MessageWriter()
      .bytes(1, new MessageWriter().text(1, "<unk>").float(2, 0).varint(3, 2).finish())
      .bytes(2, new MessageWriter().varint(3, type).finish())
      .bytes(3, new MessageWriter().text(1, "identity").finish()).finish();
  for (const [type, name] of [[2, "BPE"], [3, "Word"], [4, "Char"]] as const) {
    assert.throws(() => Tokenizer.fromModelBytes(ofType(type)), (error: Error) => {
      assert.match(error.message, new RegExp(`not a Unigram model[^]*got: +${name}`));
      return !/damaged|get the file again/.test(error.message);
    });
  }
  assert.throws(() => Tokenizer.fromModelBytes(ofType(9)), /damaged/);
  const vocab = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`piece${i}`, i]));
  for (const type of ["BPE", "WordPiece", "WordLevel"]) {
    assert.throws(() => Tokenizer.fromJson(JSON.stringify({ model: { type, vocab } })), (error: Error) => {
      assert.match(error.message, new RegExp(`not a Unigram model[^]*got: +${type}`));
      return !/damaged/.test(error.message);
    });
  }
});

Deno.test("a token's bytes are those of the text that it stands for", () => {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, 0],
  );
  const tokenizer = Tokenizer.fromJson(file([], {}, {
    byte_fallback: true,
    vocab: [["<unk>", 0], ["é", -1], ["ab", -1], ...bytes],
  }));
  assert.deepEqual([1, 2, 3, 3 + 0xe6].map((id) => tokenizer.bytesOf(id)), [2, 2, 1, 1]);
});
