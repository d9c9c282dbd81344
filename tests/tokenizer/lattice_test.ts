import assert from "node:assert/strict";
import { STREAMS } from "../../core/random.ts";
import { Heap } from "../../core/tokenizer/heap.ts";
import { insideOf } from "../../core/tokenizer/mod.ts";
import { oracles } from "./oracles.ts";

const { tokenizer } = oracles()[0]!;

/** Every segmentation of a text that the vocabulary allows, by brute force. */
function everySegmentation(text: string): { ids: number[]; score: number }[] {
  if (text.length === 0) return [{ ids: [], score: 0 }];
  const found: { ids: number[]; score: number }[] = [];
  for (let length = 1; length <= text.length; length++) {
    const id = insideOf(tokenizer).vocabulary.idOf(text.slice(0, length));
    if (id === undefined) continue;
    for (const rest of everySegmentation(text.slice(length))) {
      found.push({ ids: [id, ...rest.ids], score: tokenizer.pieces[id]!.score + rest.score });
    }
  }
  return found;
}

Deno.test("n-best finds every segmentation in falling order", () => {
  const all = everySegmentation("▁other").sort((a, b) => b.score - a.score);
  const best = tokenizer.encodeNBest(" other", all.length + 10);
  assert.equal(best.length, all.length);
  assert.deepEqual(new Set(best.map(({ ids }) => ids.join())), new Set(all.map(({ ids }) => ids.join())));
  for (const [i, { score }] of best.entries()) assert.ok(Math.abs(score - all[i]!.score) < 1e-4);
  assert.deepEqual(best[0]!.ids, tokenizer.encode(" other"));
});

for (const [theta, word] of [[1, "unresting"], [0.2, "other"]] as const) {
  Deno.test(`samples at theta ${theta} follow the probabilities of all segmentations (chi-squared)`, () => {
    const all = everySegmentation(`▁${word}`).map(({ ids, score }) => ({
      key: ids.join(),
      weight: Math.exp(theta * score),
    }));
    const total = all.reduce((sum, { weight }) => sum + weight, 0), draws = 20_000;
    const counts = new Map<string, number>();
    for (let step = 0; step < draws; step++) {
      const key = tokenizer.encodeSample(` ${word}`, { theta, counter: { seed: 5, stream: STREAMS.tokenizer, step } })
        .join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // Rare segmentations are pooled so that every cell expects at least five draws.
    let statistic = 0, cells = 0, rareSeen = 0, rareExpected = 0;
    for (const { key, weight } of all) {
      const expected = draws * weight / total, seen = counts.get(key) ?? 0;
      counts.delete(key);
      if (expected < 5) rareSeen += seen, rareExpected += expected;
      else statistic += (seen - expected) ** 2 / expected, cells++;
    }
    assert.equal(counts.size, 0, "a sample that is no segmentation");
    if (rareExpected >= 5) statistic += (rareSeen - rareExpected) ** 2 / rareExpected, cells++;
    const freedom = cells - 1, bound = freedom + 4 * Math.sqrt(2 * freedom);
    assert.ok(cells >= 3 && statistic < bound, `chi-squared ${statistic} over ${cells} cells, bound ${bound}`);
  });
}

Deno.test("the same counter draws the same segmentation", () => {
  const counter = { seed: 1, stream: STREAMS.tokenizer, step: 3 }, text = "What say you to this motion?";
  const draw = () => tokenizer.encodeSample(text, { theta: 0.1, counter });
  assert.deepEqual(draw(), draw());
  assert.equal(tokenizer.decode(draw()), text);
});

Deno.test("the heap gives out priorities in falling order", () => {
  const priorities = Array.from({ length: 500 }, (_, i) => (i * 7919) % 101);
  const heap = new Heap((item) => priorities[item]!);
  for (const item of priorities.keys()) heap.push(item);
  const order = Array.from(priorities, () => priorities[heap.pop()!]!);
  assert.deepEqual(order, priorities.toSorted((a, b) => b - a));
  assert.equal(heap.pop(), undefined);
});
