/** The oracle of the preference task: attributes, their bound near a half, and pairs that the likelihood does not tell apart. */
import { strict as assert } from "node:assert";
import { ATTRIBUTES, balanced, type Contest, hasIt, oracleFor } from "../../core/data/oracle.ts";
import { UsageError } from "../../core/errors.ts";
import { fillNormal } from "../../core/random.ts";

Deno.test("oracle: line breaks and letters per word are counted", () => {
  assert.deepEqual(["", "a b", "a\nb\n", "\n\n\n"].map(ATTRIBUTES["line-breaks"].of), [0, 0, 2, 3]);
  assert.deepEqual(["", "ab cd", "été, ab!", "... 12"].map(ATTRIBUTES["word-length"].of), [0, 2, 2.5, 0]);
});

Deno.test("oracle: the bound is the one whose share is nearest to a half", () => {
  const texts = ["a", "a", "a\n", "a\n", "a\n", "a\n\n", "a\n\n\n"], oracle = oracleFor("line-breaks", texts);
  // At least one: 5 of 7; at least two: 2 of 7.
  assert.equal(oracle.least, 1);
  assert.deepEqual(texts.map((text) => hasIt(oracle, text)), [false, false, true, true, true, true, true]);
  assert.throws(() => oracleFor("line-breaks", ["a", "b"]), UsageError);
});

Deno.test("oracle: balanced pairs have as many likelier chosen as likelier rejected samples, and nearly no lead", () => {
  // Samples with the attribute are likelier by 0.5 on average.
  const leads = fillNormal(new Float32Array(400), { seed: 1, stream: 100, step: 0 }).map((x) => x + 0.5);
  const contests = Array.from(leads, (lead, i): Contest<number> => ({ pair: i, chosenLogp: lead, rejectedLogp: 0 }));
  const kept = balanced(contests), own = kept.map(({ chosenLogp }) => chosenLogp);
  assert.equal(own.filter((lead) => lead > 0).length * 2, own.length);
  assert.ok(own.length > 200 && Math.abs(own.reduce((sum, lead) => sum + lead, 0) / own.length) < 0.05);
  assert.deepEqual(kept.map(({ pair }) => pair), kept.map(({ pair }) => pair).toSorted((a, b) => a - b));
  assert.equal(new Set(kept).size, kept.length);
  assert.deepEqual(balanced(contests.filter(({ chosenLogp }) => chosenLogp > 0)), []);
});
