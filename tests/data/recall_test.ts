import { strict as assert } from "node:assert";
import { studyOf } from "../../core/study_file/mod.ts";
import { recallBatch, recallVocabulary } from "../../core/data/recall.ts";
import { HymbaError } from "../../core/errors.ts";

const task = studyOf("quick").recall!, { keys, length: T, ranges, perRange } = task;

Deno.test("recall: every question's key stands once before, at a distance of its range, beside the answer", () => {
  const B = 64, { ids, targets, weight, queries } = recallBatch(task, { B, seed: 3, step: 5 });
  assert.equal(queries.length, B * ranges.length * perRange);
  assert.equal(weight.reduce((sum, x) => sum + x, 0), queries.length, "only answers count");
  assert.ok(ids.every((id) => id < recallVocabulary(task)));
  for (const { at, range } of queries) {
    const row = Math.floor(at / T) * T, places = [];
    for (let i = row; i < row + T; i++) if (ids[i] === ids[at]) places.push(i);
    assert.equal(places.length, 2, "the pair and the question");
    const [pair] = places as [number, number], [least, most] = ranges[range]!;
    assert.ok(at - pair >= least && at - pair <= most);
    assert.ok(ids[at]! < keys && targets[at] === ids[pair + 1] && targets[at]! >= keys);
  }
});

Deno.test("recall: far questions are not tied to places, every distance of a range occurs", () => {
  const distances = new Set<number>(), starts = new Set<number>();
  for (let step = 0; step < 40; step++) {
    const { ids, queries } = recallBatch(task, { B: 8, seed: 1, step });
    for (const { at, range } of queries.filter(({ range }) => range === ranges.length - 1)) {
      const row = Math.floor(at / T) * T, pair = ids.indexOf(ids[at]!, row);
      distances.add(at - pair), starts.add(pair - row);
      assert.equal(range, ranges.length - 1);
    }
  }
  const [least, most] = ranges.at(-1)!;
  assert.equal(distances.size, (most - least) / 2 + 1);
  assert.equal(starts.size, (T - least) / 2, "everywhere that the nearest of them fits");
});

Deno.test("recall: the same seed and step make the same batch, another step another", () => {
  const made = (step: number) => recallBatch(task, { B: 4, seed: 9, step }).ids;
  assert.deepEqual(made(1), made(1));
  assert.notDeepEqual(made(1), made(2));
});

Deno.test("recall: a sequence without room for its questions is refused", () => {
  assert.throws(() => recallBatch({ ...task, perRange: 5 }, { B: 1, seed: 1, step: 0 }), HymbaError);
});
