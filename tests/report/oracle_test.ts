/** The words of a preference task follow from its counts. */
import { strict as assert } from "node:assert";
import { oracleCsv, oracleFindings, oraclePoints, oracleTable, shareInterval } from "../../core/report/oracle.ts";
import { loadStudent } from "../../core/student.ts";
import type { OracleOutcome } from "../../core/study/oracle_task.ts";
import { shuffledLabels } from "../../core/study/oracle_task.ts";

await loadStudent();

const PROMPTS = 400;

/** So many of the prompts, in an order that depends on `phase`. */
const hits = (share: number, phase = 0): string =>
  Array.from({ length: PROMPTS }, (_, i) => (i * 37 + phase) % PROMPTS < Math.round(share * PROMPTS) ? "1" : "0").join(
    "",
  );

function outcomeOf(shares: { zero: number; one: number; shuffled: number }): OracleOutcome {
  const result = (
    name: string,
    { beta, shuffled, share }: { beta: number | null; shuffled: boolean; share: number },
  ) => ({
    ...{ name, beta, shuffled, failure: null, rate: beta === null ? null : 0.001 },
    points: [{ steps: beta === null ? 0 : 50, hits: hits(share, 7), loss_nats: 3.1, kl_nats: beta === null ? 0 : 0.2 }],
  });
  return {
    settings: {
      ...{ model: "mamba", seed: 1, attribute: "line-breaks", contests: 100, prompts: PROMPTS, developmentPrompts: 10 },
      ...{ betas: [0, 1], steps: [50], rates: [0.001], batch: 4, mostLoss: 0.1 },
    },
    oracle: { attribute: "line-breaks", least: 3 },
    pairs: { least: 3, share: 0.48, contests: 50, lead_nats: 0.001, count: 40 },
    rates: [],
    stageOneLoss: 3,
    results: [
      result("stage-1", { beta: null, shuffled: false, share: 0.48 }),
      result("beta-0", { beta: 0, shuffled: false, share: shares.zero }),
      result("beta-0-shuffled", { beta: 0, shuffled: true, share: 0.48 }),
      result("beta-1", { beta: 1, shuffled: false, share: shares.one }),
      result("beta-1-shuffled", { beta: 1, shuffled: true, share: shares.shuffled }),
    ],
  };
}

Deno.test("preference task: the interval of a share is Wilson's", () => {
  // Source: 10 of 100 by R's prop.test(correct = FALSE).
  const [low, high] = shareInterval(10, 100);
  assert.ok(Math.abs(low - 0.05522914) < 1e-7 && Math.abs(high - 0.17436566) < 1e-7, `${low} ${high}`);
});

Deno.test("preference task: β adds something only where it beats β = 0 beyond the noise of the prompts", () => {
  const more = oracleFindings(outcomeOf({ zero: 0.55, one: 0.7, shuffled: 0.5 })).join("\n");
  assert.match(
    more,
    /adds something beyond training on the chosen texts at β = 1 after 50 steps: the share is higher by up to 0\.150 \(/,
  );
  assert.match(more, /at least 3 line breaks: 48\.0 % of the first samples/);
  const none = oracleFindings(outcomeOf({ zero: 0.55, one: 0.55, shuffled: 0.5 })).join("\n");
  assert.doesNotMatch(none, /no rate that was tried/);
  const tried = [{ rate: 0.001, share: 0.9, loss_nats: 3.5 }, { rate: 0.01, share: null, loss_nats: null }];
  const rash = { ...outcomeOf({ zero: 0.5, one: 0.5, shuffled: 0.5 }), rates: [{ beta: 1, rate: 0.001, tried }] };
  assert.match(oracleFindings(rash).join("\n"), /With β = 1 no rate that was tried kept the loss within/);
  assert.match(none, /At no β do these prompts show that the preference term adds anything/);
});

Deno.test("preference task: a row for every model and number of steps, with both differences", () => {
  const outcome = outcomeOf({ zero: 0.55, one: 0.7, shuffled: 0.5 }), points = oraclePoints(outcome);
  assert.equal(points.length, 5);
  const one = points.find(({ name }) => name === "beta-1")!;
  assert.ok(Math.abs(one.overBetaZero!.mean - 0.15) < 1e-9 && Math.abs(one.overShuffled!.mean - 0.2) < 1e-9);
  assert.equal(points.find(({ name }) => name === "beta-0")!.overBetaZero, undefined);
  assert.equal(oracleCsv(outcome).trim().split("\n").length, 6);
  const { columns, rows } = oracleTable(outcome);
  assert.ok(rows.every((row) => row.length === columns.length));
});

Deno.test("preference task: shuffled labels exchange about half of the pairs, always the same ones", () => {
  const pairs = Array.from({ length: 400 }, (_, i) => ({
    prompt: Uint32Array.of(0),
    chosen: Uint32Array.of(i),
    rejected: Uint32Array.of(1000 + i),
  }));
  const shuffled = shuffledLabels(pairs, { seed: 1 }),
    turned = shuffled.filter(({ chosen }) => chosen[0]! >= 1000).length;
  assert.ok(turned > 150 && turned < 250, `${turned}`);
  assert.deepEqual(shuffledLabels(pairs, { seed: 1 }), shuffled);
});
