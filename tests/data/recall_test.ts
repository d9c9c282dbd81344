import { strict as assert } from "node:assert";
import { studyOf } from "../../core/study_file/mod.ts";
import { recallBatch, recallVocabulary } from "../../core/data/recall.ts";
import { HymbaError } from "../../core/errors.ts";
import { at, present } from "../../core/lists.ts";

const task = present(studyOf("quick").recall, "the recall task of quick"), { keys, length: T, ranges, perRange } = task;

Deno.test("recall: the key of every query occurs once before, at a distance of its range, followed by the answer", () => {
  const B = 64, { ids, targets, weight, queries } = recallBatch(task, { B, seed: 3, step: 5 });
  assert.equal(queries.length, B * ranges.length * perRange);
  assert.equal(weight.reduce((sum, x) => sum + x, 0), queries.length, "only answers count");
  assert.ok(ids.every((id) => id < recallVocabulary(task)));
  for (const { at: query, range } of queries) {
    const row = Math.floor(query / T) * T, places: number[] = [];
    for (let i = row; i < row + T; i++) if (ids[i] === ids[query]) places.push(i);
    assert.equal(places.length, 2, "the pair and the query");
    const pair = at(places, 0), [least, most] = at(ranges, range);
    assert.ok(query - pair >= least && query - pair <= most);
    assert.ok(at(ids, query) < keys && targets[query] === ids[pair + 1] && at(targets, query) >= keys);
  }
});

Deno.test("recall: pairs of far queries start everywhere, and every distance of a range occurs", () => {
  const distances = new Set<number>(), starts = new Set<number>();
  for (let step = 0; step < 40; step++) {
    const { ids, queries } = recallBatch(task, { B: 8, seed: 1, step });
    for (const { at: query } of queries.filter(({ range }) => range === ranges.length - 1)) {
      const row = Math.floor(query / T) * T, pair = ids.indexOf(at(ids, query), row);
      distances.add(query - pair);
      starts.add(pair - row);
    }
  }
  const [least, most] = at(ranges, -1);
  assert.equal(distances.size, (most - least) / 2 + 1);
  assert.equal(starts.size, (T - least) / 2, "all places where the smallest distance fits");
});

Deno.test("recall: the same seed and step give the same batch, another step gives another", () => {
  const made = (step: number) => recallBatch(task, { B: 4, seed: 9, step }).ids;
  assert.deepEqual(made(1), made(1));
  assert.notDeepEqual(made(1), made(2));
});

Deno.test("recall: a sequence that is too short for its queries is an error", () => {
  assert.throws(() => recallBatch({ ...task, perRange: 5 }, { B: 1, seed: 1, step: 0 }), HymbaError);
});
