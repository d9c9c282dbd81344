import assert from "node:assert/strict";
import { UsageError } from "../../core/errors.ts";
import { insideOf, Tokenizer, TokenizerTrainer, trainSeedTokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { MAX_LINE_BYTES } from "../../core/tokenizer/train/word_counts.ts";
import { Lattice } from "../../core/tokenizer/train/word_lattice.ts";
import { Lexicon } from "../../core/tokenizer/train/lexicon.ts";
import { corpus, SMALL_TEXT } from "./oracles.ts";
import { logLikelihoodPerCharacter } from "./quality.ts";

const text = corpus(), ignore = text === undefined;

// Figures of SentencePiece 0.1.97 on the same text with the same options: tokens of the whole file, marginal log-likelihood.
const REFERENCES = [
  { vocabSize: 1000, byteFallback: false, tokens: 447_967, likelihood: -2.2240424092532782 },
  { vocabSize: 4000, byteFallback: true, tokens: 360_038, likelihood: -1.9028102399696054 },
];

for (const { vocabSize, byteFallback, tokens, likelihood } of REFERENCES) {
  Deno.test({
    name: `training ${vocabSize} pieces on Tiny Shakespeare is as good as SentencePiece's, and lossless`,
    ignore,
    fn: () => {
      const tokenizer = trainTokenizer(text!, { vocabSize, byteFallback });
      assert.equal(tokenizer.vocabSize, vocabSize);
      const ids = tokenizer.encode(text!);
      assert.ok(ids.length <= tokens * 1.005, `${ids.length} tokens, SentencePiece has ${tokens}`);
      const own = logLikelihoodPerCharacter(tokenizer, text!);
      assert.ok(own >= likelihood * 1.003, `${own} nats a character, SentencePiece has ${likelihood}`);
      assert.equal(tokenizer.decode(ids), text);
    },
  });
}

Deno.test({
  name: "the seed's lossy tokenizer: 292,051 tokens on the first 1,003,854 characters",
  ignore,
  fn: () => {
    const part = text!.slice(0, 1_003_854), tokenizer = trainSeedTokenizer(part);
    assert.equal(tokenizer.vocabSize, 4000);
    assert.equal(tokenizer.encode(part).length, 292_051);
    assert.equal(tokenizer.decode(tokenizer.encode("Speak: that!")), "speak : t hat !");
    assert.equal(Tokenizer.fromJson(tokenizer.toJson()).hash, tokenizer.hash);
  },
});

Deno.test("the same text gives the same bytes, in one part or in many", () => {
  const options = { vocabSize: 500 }, once = trainTokenizer(SMALL_TEXT, options);
  const parts = new TokenizerTrainer(options);
  for (const line of SMALL_TEXT.split("\n").reverse()) parts.addText(`${line}\n`);
  assert.deepEqual(trainTokenizer(SMALL_TEXT, options).toModelBytes(), once.toModelBytes());
  assert.deepEqual(parts.finish().toModelBytes(), once.toModelBytes());
});

Deno.test("every option shows in the result", () => {
  const base = { vocabSize: 500, onProgress: () => {} };
  const plain = trainTokenizer(SMALL_TEXT, base);
  assert.equal(plain.decode(plain.encode("\n a  b\tc ")), "\n a  b\tc ");
  assert.equal(plain.pieces[3]!.piece, "\n");
  const spaced = trainTokenizer(SMALL_TEXT, { ...base, removeExtraWhitespaces: true, addDummyPrefix: true });
  assert.deepEqual(spaced.encode("  on   us "), spaced.encode("on us"));
  assert.equal(spaced.decode(spaced.encode("  on   us ")), "on us");
  const folded = trainTokenizer(SMALL_TEXT, { ...base, normalization: "nmt_nfkc" });
  assert.deepEqual(folded.encode("ﬁ\u200bＡ"), folded.encode("fi A"));
  const symbols = trainTokenizer(SMALL_TEXT, { ...base, userDefinedSymbols: ["ROMEO:", "<end>"] });
  assert.deepEqual(symbols.encodePieces("ROMEO:<end>"), ["ROMEO:", "<end>"]);
  const short = trainTokenizer(SMALL_TEXT, { ...base, maxPieceLength: 3 });
  const longest = (tokenizer: Tokenizer) => {
    return Math.max(...tokenizer.pieces.filter(({ type }) => type === 1).map(({ piece }) => [...piece].length));
  };
  assert.equal(longest(short), 3);
  assert.ok(longest(plain) > 3);
  const covered = trainTokenizer(SMALL_TEXT, { ...base, characterCoverage: 0.98 });
  assert.equal(insideOf(covered).vocabulary.idOf("語"), undefined);
  assert.ok(insideOf(plain).vocabulary.idOf("語") !== undefined);
  const noBytes = trainTokenizer(SMALL_TEXT, { ...base, byteFallback: false });
  assert.equal(insideOf(noBytes).vocabulary.idOf("<0x00>"), undefined);
});

Deno.test("progress falls towards the size", () => {
  const pieces: number[] = [];
  trainTokenizer(SMALL_TEXT, { vocabSize: 500, onProgress: (progress) => pieces.push(progress.pieces) });
  assert.ok(pieces.length > 1);
  assert.deepEqual(pieces, pieces.toSorted((a, b) => b - a));
  assert.ok(pieces.at(-1)! <= 550);
});

Deno.test("settings that cannot be met are refused in words", () => {
  const refuse = (input: string, options: Parameters<typeof trainTokenizer>[1], words: RegExp) => {
    assert.throws(
      () => trainTokenizer(input, options),
      (error: Error) => error instanceof UsageError && words.test(error.message),
    );
  };
  refuse(
    SMALL_TEXT,
    { vocabSize: 300, characterCoverage: 1 },
    /cannot hold the characters[\s\S]*at least \d+[\s\S]*character coverage/,
  );
  refuse(SMALL_TEXT, { vocabSize: 100_000 }, /too small for this vocabulary[\s\S]*at most \d+/);
  refuse(SMALL_TEXT, { vocabSize: 20, byteFallback: false }, /cannot hold the characters[\s\S]*at least \d+/);
  refuse(SMALL_TEXT, { vocabSize: 20 }, /cannot hold the characters[\s\S]*256 byte pieces/);
  refuse("", { vocabSize: 300 }, /the text is empty/);
  refuse("\n\n", { vocabSize: 300 }, /the text is empty/);
  refuse("a", { vocabSize: 0 }, /vocabulary size/);
  refuse("a", { vocabSize: 2.5 }, /vocabulary size/);
  refuse("a", { vocabSize: 300, characterCoverage: 0 }, /character coverage/);
  refuse("a", { vocabSize: 300, maxPieceLength: 0 }, /longest piece/);
  refuse("a", { vocabSize: 300, userDefinedSymbols: [""] }, /user-defined symbol/);
  refuse("a", { vocabSize: 300, userDefinedSymbols: ["<unk>"] }, /user-defined symbol/);
  refuse("a".repeat(MAX_LINE_BYTES + 1), { vocabSize: 300 }, /line 1 is too long[\s\S]*break the text into lines/);
});

Deno.test("a text with the names of special pieces and bytes trains a tokenizer that decodes it to the same text", () => {
  const text = "<s>bold</s> and <0x41> then <unk> <0x0A>\n".repeat(200);
  for (const vocabSize of [300, 330]) {
    const tokenizer = trainTokenizer(text, { vocabSize });
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    assert.equal(new Set(tokenizer.pieces.map(({ piece }) => piece)).size, vocabSize);
  }
});

Deno.test("a short or repetitive text fills the vocabulary with all its substrings", () => {
  for (const [text, vocabSize] of [["in in in in ", 265], ["ab\n".repeat(20), 262], ["café café ", 267]] as const) {
    const tokenizer = trainTokenizer(text, { vocabSize });
    assert.equal(tokenizer.vocabSize, vocabSize, text);
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
});

Deno.test("the size named as the largest is one that can be met", () => {
  let most = 0;
  try {
    trainTokenizer(SMALL_TEXT, { vocabSize: 100_000 });
  } catch (error) {
    most = Number(/at most (\d+)/.exec(String(error))![1]);
  }
  assert.equal(trainTokenizer(SMALL_TEXT, { vocabSize: most }).vocabSize, most);
});

Deno.test("expected counts of one word, by hand; long words do not run out of range", () => {
  const pieces = ["a", "aa", "b"].map((text) => new TextEncoder().encode(text));
  const p = [0.5, 0.3, 0.2],
    lexicon = new Lexicon(pieces, Float64Array.from(p, Math.log)),
    lattice = new Lattice(lexicon);
  const expect = (word: string) => {
    const bytes = new TextEncoder().encode(word), counts = new Float64Array(3);
    lattice.read(bytes, { begin: 0, end: bytes.length });
    return { log: lattice.expect(counts, { length: bytes.length, count: 2 }), counts };
  };
  // "aab" is a·a·b or aa·b.
  const apart = 0.5 * 0.5 * 0.2, joined = 0.3 * 0.2, total = apart + joined;
  const { log, counts } = expect("aab");
  assert.ok(Math.abs(log - Math.log(total)) < 1e-12);
  for (const [i, count] of [4 * apart / total, 2 * joined / total, 2].entries()) {
    assert.ok(Math.abs(counts[i]! - count) < 1e-12);
  }
  // With r the ratio of consecutive sums, r² = 0.5 r + 0.3.
  const n = 20_000, ratio = (0.5 + Math.sqrt(0.25 + 1.2)) / 2, long = expect("a".repeat(n));
  assert.ok(Math.abs(long.log / n - Math.log(ratio)) < 1e-4);
  assert.ok(Math.abs(long.counts[0]! + 2 * long.counts[1]! - 2 * n) < 1e-6 * n);
});

/** Words of these letters, with a vowel sign or accent behind some of them. */
const marked = (letters: string, marks: string) =>
  Array.from({ length: 400 }, (_, i) =>
    Array.from({ length: 2 + i % 5 }, (_, j) => {
      const letter = letters[(i * i + 3 * j) % letters.length]!;
      return (i + j) % 3 === 0 ? letter + marks[(i + j) % marks.length] : letter;
    }).join("")).join(" ");

for (
  const [name, text] of Object.entries({
    "Latin letters with combining accents": marked("aeioumnprst", "\u0301\u0308\u0302"),
    "Arabic with vowel signs": marked("ابتثجحخدرزسش", "\u064e\u064f\u0650"),
    "letters before variation selectors": marked("✂☎☀☁", "\ufe0f"),
  })
) {
  Deno.test(`a mark that inherits its script is joined to its letter: ${name}`, () => {
    const tokenizer = trainTokenizer(text, { vocabSize: 340 });
    const joined = tokenizer.pieces.filter(({ piece, type }) =>
      type === 1 && /[^\p{M}]\p{Script=Inherited}/u.test(piece)
    );
    assert.ok(joined.length >= 5, `${joined.length} pieces with a mark`);
  });
}

Deno.test("a text with few useful pieces fills the size asked for, or gets a smaller one", () => {
  const text = SMALL_TEXT.split("\n").slice(0, 60).join("\n"), options = { size: "most", vocabSize: 5000 } as const;
  const most = trainTokenizer(text, options), size = most.vocabSize + 30;
  assert.ok(size < 1500, `${size} pieces`);
  const exact = trainTokenizer(text, { ...options, size: "exact", vocabSize: size });
  assert.equal(exact.vocabSize, size);
  const scores = exact.pieces.slice(260).map(({ score }) => score);
  assert.deepEqual(scores, scores.toSorted((a, b) => b - a));
  for (const tokenizer of [exact, most]) assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  assert.deepEqual(Tokenizer.fromModelBytes(most.toModelBytes()).pieces, most.pieces);
  assert.equal(trainTokenizer("to be or not to be ".repeat(50), options).vocabSize, 267);
});

Deno.test("with byte fallback the frequent characters get pieces where not all fit, and the share is in the file", () => {
  const text = Array.from({ length: 4000 }, (_, i) => String.fromCodePoint(0x4e00 + i * i % 1009)).join("");
  const tokenizer = trainTokenizer(text, { vocabSize: 400 }), { characterCoverage } = tokenizer;
  const letters = tokenizer.pieces.filter(({ piece, type }) => type === 1 && [...piece].length === 1).length;
  assert.ok(
    letters >= 105 && tokenizer.vocabSize === 400 && characterCoverage > 0.1 && characterCoverage < 1,
    `${letters}, ${characterCoverage}`,
  );
  assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  assert.equal(trainTokenizer(SMALL_TEXT, { vocabSize: 500 }).characterCoverage, 1);
});
