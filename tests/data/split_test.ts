/** The split in three: shares, gaps, blocks from the whole text, and sequences that stay inside their piece. */
import { strict as assert } from "node:assert";
import { fc } from "../packages.ts";
import { BatchOrder, evaluationBatches } from "../../core/data/batches.ts";
import { bigramLoss } from "../../core/data/baselines.ts";
import { type Encoder, type Part, partOf, piecesIn, predictedTokens, type TokenData } from "../../core/data/parts.ts";
import { excerpts } from "../../core/data/preference.ts";
import { piecesOf, type SplitRule, splitText } from "../../core/data/split.ts";
import { studyTokens, tokenizerText } from "../../core/data/study_data.ts";
import { at } from "../../core/lists.ts";
import { longOrder, STREAMS } from "../../core/random.ts";
import { resolveSources } from "../../core/study_file/mod.ts";
import { byteTokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";

const rules: fc.Arbitrary<SplitRule> = fc.record({
  trainFraction: fc.double({ min: 0.3, max: 0.8, noNaN: true }),
  split: fc.record({
    kind: fc.constantFrom("contiguous", "interleaved"),
    testFraction: fc.double({ min: 0.05, max: 0.15, noNaN: true }),
    blockCharacters: fc.integer({ min: 50, max: 400 }),
    gapCharacters: fc.integer({ min: 0, max: 24 }),
  }),
});

Deno.test("pieces lie apart by the gap, in order, never over each other, and parts have their shares", () => {
  fc.assert(
    fc.property(rules, fc.integer({ min: 20_000, max: 40_000 }), (rule, length) => {
      const pieces = piecesOf(length, rule), { testFraction, gapCharacters: gap } = rule.split!;
      for (const [i, { part, start, end }] of pieces.entries()) {
        assert.ok(start < end && start >= 0 && end <= length);
        const before = pieces[i - 1];
        if (!before) continue;
        assert.notEqual(part, before.part);
        assert.equal(start - before.end, 2 * gap);
      }
      const cut = 2 * gap * (pieces.length - 1);
      const characters = (name: string) =>
        pieces.filter(({ part }) => part === name).reduce((sum, { start, end }) => sum + end - start, 0);
      const sum = characters("train") + characters("validation") + characters("test");
      assert.equal(sum + cut, length);
      for (const [name, share] of [["train", rule.trainFraction], ["test", testFraction]] as const) {
        assert.ok(Math.abs(characters(name) / length - share) < 0.03 + cut / length, `${name} ${share}`);
      }
    }),
    { numRuns: 300 },
  );
});

const LETTERS: Encoder = { encode: (text) => Uint32Array.from(text, (c) => c.codePointAt(0)!), bytesOf: () => 1 };

/** Numbers that name their place: no two characters are alike. */
const NAMED = Array.from({ length: 9000 }, (_, i) => String.fromCharCode(0x4e00 + i)).join("");

const INTERLEAVED: SplitRule = {
  trainFraction: 0.8,
  split: { kind: "interleaved", testFraction: 0.1, blockCharacters: 300, gapCharacters: 20 },
};

function partsOf(rule: SplitRule): Required<Omit<TokenData, "close">> {
  const { train, validation, test } = studyTokens(NAMED, LETTERS, { ...rule, sequenceLength: 16 });
  return { train, validation, test: test! };
}

Deno.test("no batch, excerpt or evaluation goes over the end of a piece, and an epoch has no window twice", () => {
  const { train, validation } = partsOf(INTERLEAVED), T = 16, B = 4;
  assert.ok(train.starts.length > 2 && validation.starts.length > 1);
  const inOrder = (ids: Uint32Array) => ids.every((id, i) => i === 0 || id === at(ids, i - 1) + 1);
  const order = new BatchOrder(train, { B, T, seed: 3 }), seen = new Set<number>();
  const epoch = Math.floor(order.windows / B);
  for (let step = 1; step <= 3 * epoch; step++) {
    const { ids, targets } = order.at(step);
    for (let row = 0; row < B; row++) {
      const own = Uint32Array.of(...ids.subarray(row * T, (row + 1) * T), at(targets, (row + 1) * T - 1));
      assert.ok(inOrder(own), `step ${step}`);
      if (step > epoch) continue;
      for (const id of own.subarray(0, T)) assert.ok(!seen.has(id) && seen.add(id));
    }
  }
  assert.ok(seen.size > 0.9 * train.tokens.length);
  for (const { prompt, continuation } of excerpts(train, { count: 60, prompt: 7, completion: 5, seed: 1, part: 0 })) {
    assert.ok(inOrder(Uint32Array.of(...prompt, ...continuation)));
  }
});

Deno.test("an evaluation predicts every token but the first of each piece once, from the token before it", () => {
  const { validation } = partsOf(INTERLEAVED), seen: number[] = [];
  for (const { ids, targets, weight } of evaluationBatches(validation, { B: 3, T: 16 })) {
    for (const [i, target] of targets.entries()) {
      if (weight[i] !== 1) continue;
      assert.equal(target, at(ids, i) + 1);
      seen.push(target);
    }
  }
  const expected = piecesIn(validation).flatMap(([start, end]) => [...validation.tokens.subarray(start + 1, end)]);
  assert.deepEqual(seen, expected);
  assert.equal(seen.length, predictedTokens(validation));
  assert.equal(
    validation.bytes,
    new TextEncoder().encode(String.fromCharCode(...seen)).length + 2 * validation.starts.length,
  );
});

Deno.test("a bigram never counts or predicts over the end of a piece", () => {
  const train: Part = { tokens: Uint32Array.of(0, 1, 0, 1, 2, 3, 2, 3), starts: [0, 4], bytes: 0 };
  const held: Part = { tokens: Uint32Array.of(0, 1, 2, 3), starts: [0, 2], bytes: 0 };
  // 1 is followed by 0 only, 0 by 1 only: p = (2 + 1 · 3/12) / 3 for both pairs that are predicted.
  assert.ok(Math.abs(bigramLoss({ train, held }, 4) + Math.log(0.75)) < 1e-12);
});

Deno.test("the tokenizer's text has no character of validation, test or gap", () => {
  const text = tokenizerText(NAMED, { ...INTERLEAVED, sequenceLength: 16 });
  const { train } = splitText(NAMED, INTERLEAVED);
  assert.equal(text, train.join("\n"));
  assert.equal([...text].filter((c) => c !== "\n").length, train.join("").length);
});

Deno.test("a piece that is too short for a sequence says which part and what to change", () => {
  const short = { ...INTERLEAVED, split: { ...INTERLEAVED.split!, blockCharacters: 50 } };
  assert.throws(
    () => studyTokens(NAMED, LETTERS, { ...short, sequenceLength: 300 }),
    /the \w+ part of the corpus is too short[^]*at least 302 tokens in one piece[^]*blockCharacters/,
  );
  assert.throws(() => partOf("test", [], { tokenizer: LETTERS, T: 4 }), /the test part[^]*0 tokens/);
  assert.throws(
    () => partOf("test", ["abc"], { tokenizer: LETTERS, T: 4 }),
    (error) => !/--tokenizer/.test(String(error)),
  );
});

Deno.test("a repetitive text with few tokens for its size is refused with the tokenizer that would do", () => {
  const text = "😀".repeat(300), tokenizer = trainTokenizer(text.repeat(9), { vocabSize: 384, size: "most" });
  assert.ok(tokenizer.encode(text).length < 30);
  assert.throws(
    () => partOf("validation", [text], { tokenizer, T: 28 }),
    /at least 30 tokens[^]*got: +19 tokens[^]*--tokenizer bytes, with which this part has more than 1\d\d\d tokens/,
  );
  assert.equal(partOf("validation", [text], { tokenizer: byteTokenizer(), T: 28 }).tokens.length, 1200);
});

const studyOf = (text: string) => resolveSources({ file: { path: "my.toml", text } }).study;

Deno.test("the keys of a split: nothing is recorded where the text is cut in two, and what does not fit is refused", () => {
  assert.equal(studyOf("").split, undefined);
  assert.deepEqual(studyOf("[data]\ntestFraction = 0.05\n").split, {
    kind: "contiguous",
    testFraction: 0.05,
    gapCharacters: 0,
  });
  assert.deepEqual(studyOf('[data]\nsplit = "interleaved"\ntrainFraction = 0.8\ntestFraction = 0.1\n').split, {
    ...{ kind: "interleaved", testFraction: 0.1, blockCharacters: 10_000, gapCharacters: 500 },
  });
  assert.throws(
    () => studyOf("[data]\ntestFraction = 0.1\n"),
    /my\.toml:2:1: .*nothing for validation[^]*0\.9 \+ 0\.1/,
  );
  assert.throws(
    () => studyOf('[data]\nsplit = "interleaved"\nblockCharacters = 900\n'),
    /my\.toml:3:1: data\.blockCharacters[^]*more than twice data\.gapCharacters, which is 500/,
  );
  assert.throws(
    () => studyOf('profile = "seed"\n[data]\ntestFraction = 0.05\n'),
    /my\.toml:3:1: data\.testFraction does not go with profile seed/,
  );
  assert.deepEqual(studyOf('[data]\nvalidationFiles = ["v.txt"]\ntestFraction = 0.2\n'), {
    ...studyOf(""),
    trainFraction: 0.8,
    split: { kind: "contiguous", testFraction: 0.2, gapCharacters: 0, separate: ["validation"] },
    preset: "my",
  });
  assert.throws(
    () => studyOf('[data]\nvalidationFiles = ["v.txt"]\ntrainFraction = 0.9\n'),
    /my\.toml:3:1: data\.trainFraction does not go with data\.validationFiles/,
  );
  assert.throws(
    () => studyOf('[data]\ntestFiles = ["t.txt"]\ntestFraction = 0.1\n'),
    /my\.toml:3:1: data\.testFraction does not go with data\.testFiles/,
  );
});

Deno.test("a long order has every number once, and depends on seed and step", () => {
  for (const length of [1, 2, 3, 100, 1023, 5000]) {
    const order = longOrder(length, { seed: 3, stream: STREAMS.batches, step: 7 });
    const all = Array.from({ length }, (_, i) => order(i));
    assert.deepEqual(all.toSorted((a, b) => a - b), Array.from({ length }, (_, i) => i));
    if (length < 100) continue;
    for (const other of [{ seed: 4, step: 7 }, { seed: 3, step: 8 }]) {
      const second = longOrder(length, { ...other, stream: STREAMS.batches });
      assert.ok(all.filter((one, i) => one === second(i)).length < 10);
    }
    const moved = all.reduce((sum, one, i) => sum + Math.abs(one - i), 0) / length;
    assert.ok(Math.abs(moved / length - 1 / 3) < 0.06, "on average a third of the length away, as in a random order");
  }
});

Deno.test("in a short text blocks are shorter, so that every part has one", () => {
  const split = { kind: "interleaved", testFraction: 0.1, blockCharacters: 10_000, gapCharacters: 500 } as const;
  for (const length of [12_000, 20_000, 60_000, 95_000]) {
    const parts = new Set(piecesOf(length, { trainFraction: 0.8, split }).map(({ part }) => part));
    assert.deepEqual([...parts].sort(), ["test", "train", "validation"], String(length));
  }
  // A part without a share has no block, and long texts have the blocks that were asked for.
  const two = piecesOf(60_000, { trainFraction: 0.9, split: { ...split, testFraction: 0 } });
  assert.deepEqual([...new Set(two.map(({ part }) => part))].sort(), ["train", "validation"]);
});
