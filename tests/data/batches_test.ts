import { strict as assert } from "node:assert";
import { BatchOrder, evaluationBatches } from "../../core/data/batches.ts";
import { bigramLoss, unigramLoss } from "../../core/data/baselines.ts";
import { corrupted, excerpts, preferenceBatch } from "../../core/data/preference.ts";
import { onePiece, partOf } from "../../core/data/parts.ts";
import { splitText } from "../../core/data/split.ts";
import { UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";

const tokens = Uint32Array.from({ length: 1000 }, (_, i) => i), text = onePiece(tokens);

Deno.test("batches: any step can be computed directly, and an epoch visits each window once", () => {
  const size = { B: 4, T: 10, seed: 7 }, straight = new BatchOrder(text, size);
  const batches = Array.from({ length: 60 }, (_, i) => straight.at(i + 1));
  for (const step of [60, 1, 25, 24]) assert.deepEqual(new BatchOrder(text, size).at(step), batches[step - 1]);
  const starts = batches.flatMap(({ ids }) => [0, 10, 20, 30].map((i) => at(ids, i))).slice(0, straight.windows);
  assert.equal(new Set(starts).size, straight.windows);
  for (const { ids, targets } of batches) for (const [i, id] of ids.entries()) assert.equal(targets[i], id + 1);
});

Deno.test("batches: another seed gives another order", () => {
  const [one, two] = [1, 2].map((seed) => new BatchOrder(text, { B: 4, T: 10, seed }).at(1).ids);
  assert.notDeepEqual(one, two);
});

Deno.test("evaluation predicts every token except the first exactly once", () => {
  for (const length of [12, 81, 82, 200]) {
    const seen: number[] = [];
    for (const { ids, targets, weight } of evaluationBatches(onePiece(tokens.subarray(0, length)), { B: 4, T: 10 })) {
      for (const [i, target] of targets.entries()) {
        if (weight[i] !== 1) continue;
        assert.equal(at(ids, i) + 1, target);
        seen.push(target);
      }
    }
    assert.deepEqual(seen, Array.from({ length: length - 1 }, (_, i) => i + 1));
  }
});

Deno.test("the split is contiguous and splits no surrogate pair", () => {
  const text = "ab😀😀😀cd";
  for (let fraction = 0; fraction <= 1; fraction += 0.05) {
    const { train, validation } = splitText(text, { trainFraction: fraction }), pieces = [...train, ...validation];
    assert.equal(pieces.join(""), text);
    assert.ok(pieces.every((piece) => piece.isWellFormed()));
  }
});

Deno.test("a corpus shorter than a sequence is a usage error with both lengths", () => {
  const encoder = {
    encode: (text: string) => new Uint32Array(text.length),
    bytesOf: () => 1,
  };
  assert.throws(
    () => partOf("validation", ["x".repeat(5)], { tokenizer: encoder, T: 10 }),
    (error: UsageError) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /validation part[^]*at least 12 tokens[^]*5 tokens/);
      return true;
    },
  );
});

Deno.test("baselines by hand: uniform tokens, and a text that a bigram model predicts exactly", () => {
  const train = onePiece(Uint32Array.from({ length: 400 }, (_, i) => i % 4)),
    held = onePiece(train.tokens.slice(0, 100));
  assert.ok(Math.abs(unigramLoss({ train, held }, 4) - Math.log(4)) < 1e-12);
  // Each token has one successor: count 100 (99 for the last pair), one kind, back-off 1/4.
  const loss = bigramLoss({ train, held }, 4);
  assert.ok(loss > 0 && loss < 0.01, String(loss));
  const unseen = bigramLoss({ train, held: onePiece(Uint32Array.of(0, 2, 0, 2)) }, 4);
  assert.ok(Math.abs(unseen - Math.log(101 * 4)) < 0.01, String(unseen));
});

Deno.test("preference pairs: masks cover prompt and completion", () => {
  const { prompt, continuation } = at(excerpts(text, { count: 1, prompt: 3, completion: 2, seed: 1, part: 0 }), 0);
  const rejected = Uint32Array.of(7, 8);
  const { ids, targets, weight, completion } = preferenceBatch([{ prompt, chosen: continuation, rejected }]);
  assert.deepEqual([...ids], [...prompt, continuation[0], ...prompt, 7]);
  assert.deepEqual([...targets], [prompt[1], prompt[2], ...continuation, prompt[1], prompt[2], 7, 8]);
  assert.deepEqual([...weight], [1, 1, 1, 1, 0, 0, 0, 0]);
  assert.deepEqual([...completion], [0, 0, 1, 1, 0, 0, 1, 1]);
  assert.deepEqual([...corrupted(tokens.subarray(0, 30), { seed: 1, index: 0 })].sort((a, b) => a - b), [
    ...tokens.subarray(0, 30),
  ]);
});
