/** The times for a budget of seconds: ratios of a round, an interval, and a refusal where they scatter. */
import assert from "node:assert/strict";
import { notMeasurable, type Rounds, timesOf } from "../../core/study/update_times.ts";

/** Nine rounds of two models. `load`: how much slower the machine is in a round. */
const roundsOf = (load: (round: number) => number, other = (_: number) => 2): Rounds =>
  new Map([
    ["mamba", Array.from({ length: 9 }, (_, i) => load(i))],
    ["hymba", Array.from({ length: 9 }, (_, i) => load(i) * other(i))],
  ]);

Deno.test("update times: a machine that gets slower for all models alike changes no ratio", () => {
  const found = timesOf(roundsOf((round) => 1 + round));
  assert.deepEqual(found, {
    updateSeconds: { mamba: 5, hymba: 10 },
    updateRatios: { mamba: [1, 1], hymba: [2, 2] },
  });
});

Deno.test("update times: the interval leaves out the slowest and the fastest round", () => {
  const found = timesOf(roundsOf(() => 1, (round) => [9, 2, 2.1, 2.2, 2, 2.1, 2.2, 2.1, 0.1][round] ?? NaN));
  assert.deepEqual(found?.updateRatios["hymba"], [2, 2.2]);
  assert.equal(found?.updateSeconds["hymba"], 2.1);
});

Deno.test("update times: ratios that scatter by more than a factor of 1.3 give no times, and the error says what to do", () => {
  const rounds = roundsOf(() => 1, (round) => 2 + (round % 3));
  assert.equal(timesOf(rounds), undefined);
  const { message } = notMeasurable(rounds);
  assert.match(message, /not measurable here[^]*factor of 1\.3/);
  assert.match(message, /got: +hymba: 2\.00 to 4\.00 times as long as mamba, in 9 rounds$/m);
  assert.match(message, /stop other programs.*budget=flops.*own steps/);
});
