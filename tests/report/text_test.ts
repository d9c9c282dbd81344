import assert from "node:assert/strict";
import type { ArmResult, MetricsLine, Run } from "../../core/record/mod.ts";
import { firstStageWords } from "../../core/report/caption.ts";
import { comparisonsCsv, csvOf, preferenceCsv } from "../../core/report/csv.ts";
import { csvRows } from "../../core/report/csv_rows.ts";
import { findings, metricsTables, metricsText, samplesText, tableLines, verdict } from "../../core/report/mod.ts";
import { bytes, duration, fixed, short, significant, tickText, whole } from "../../core/report/format.ts";
import { comparisons, differenceOf, factorEffects, isClear } from "../../core/report/statistics.ts";
import { curve, curveOfChange, failuresOf } from "../../core/report/summary.ts";
import { syntheticRun, withTokenLosses } from "./synthetic_run.ts";

/** The run with the first result changed. */
const withFirst = (run: Run, change: Partial<ArmResult>): Run => ({
  ...run,
  results: run.results.map((result, index) => index === 0 ? { ...result, ...change } : result),
});

/** The run with another loss at the end of each arm's last stage. */
function withLosses(run: Run, lossOf: (arm: string, seed: number) => number): Run {
  const results = run.results.map((result) => {
    const loss = lossOf(result.arm, result.seed), orpo = result.stages.orpo!;
    const final = { ...orpo.final, loss, perplexity: Math.exp(loss) };
    return { ...result, stages: { ...result.stages, orpo: { ...orpo, final } } };
  });
  return { ...run, results };
}

Deno.test("csv: one row per arm and seed, then both baselines; every row has all columns and names the corpus", () => {
  const run = syntheticRun({ arms: ["mamba", "hymba"], seeds: 2 });
  const [head, ...rows] = csvRows(csvOf(run)) as [string[], ...string[][]];
  assert.equal(rows.length, 2 * 2 + 2);
  for (const row of rows) assert.equal(row.length, head.length);
  const cell = (row: number, name: string) => rows[row]![head.indexOf(name)]!;
  const names = ["mamba 1", "mamba 2", "hymba 1", "hymba 2", "unigram ", "bigram "];
  assert.deepEqual(rows.map(([model, seed]) => `${model} ${seed}`), names);
  assert.equal(Number(cell(3, "orpo_final_perplexity")), run.results[3]!.stages.orpo!.final.perplexity);
  assert.equal(Number(cell(5, "pretrain_final_perplexity")), run.record.baselines.bigram.perplexity);
  assert.equal(cell(0, "kv_byte_ratio"), "", "a model without attention has no cache to reduce");
  assert.ok(rows.every((row) => row[head.indexOf("corpus")] === "tinyshakespeare"));
});

Deno.test("csv: texts that a spreadsheet would run are escaped, numbers below zero stay numbers", () => {
  for (const name of ["=cmd()", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\u200b=1", "＝1"]) {
    const run = withFirst(syntheticRun({ arms: ["mamba"], corpus: name }), { failure: name });
    for (const row of csvRows(csvOf(run)).slice(1)) {
      for (const cell of row) {
        assert.doesNotMatch(cell, /^[\s\u200b]*[=+@＝]|^\s*-\D/u, `${JSON.stringify(name)}: ${cell}`);
      }
    }
  }
  const run = syntheticRun({ arms: ["mamba"] }), stages = run.results[0]!.stages;
  const orpo = {
    ...stages.orpo!,
    preference: {
      before: stages.orpo!.preference!.before,
      after: { ...stages.orpo!.preference!.after, margin: -0.25 },
    },
  };
  assert.match(csvOf(withFirst(run, { stages: { ...stages, orpo } })), /,-0\.25,/);
});

Deno.test("csv: quotes, commas and line breaks stay inside their cell", () => {
  const run = withFirst(syntheticRun({ arms: ["mamba"] }), { failure: 'say "a", b\nand c' });
  const [head, row] = csvRows(csvOf(run)) as [string[], string[]];
  assert.equal(row[head.indexOf("failure")], 'say "a", b and c');
});

Deno.test("preference.csv: every held-out measure over the steps, with beta and with beta 0", () => {
  const run = syntheticRun({ arms: ["mamba"] }),
    [head, ...rows] = csvRows(preferenceCsv(run)) as [string[], ...string[][]];
  const steps = (beta: string) => rows.filter((row) => row[head.indexOf("beta")] === beta).map((row) => row[3]);
  assert.deepEqual(steps("0.1"), ["0", "8", "16", "24", "32"]);
  assert.deepEqual(steps("0"), steps("0.1"));
  for (const row of rows) assert.ok(row.length === head.length && row.every((cell) => cell !== ""));
});

Deno.test("findings: one seed carries no uncertainty", () => {
  const text = findings(syntheticRun()).join("\n");
  assert.match(text, /one seed\. The spread between seeds is unknown/);
  assert.doesNotMatch(text, /interval|wins here/);
  assert.match(metricsText(syntheticRun()), /One seed: the uncertainty of training is unknown\./);
});

Deno.test("findings: the hybrid loses, wins or does neither as the paired intervals say", () => {
  const run = syntheticRun({ arms: ["mamba", "hymba"], seeds: 3 });
  const jitter = (seed: number) => 0.01 * seed;
  const said = (hybrid: (seed: number) => number) =>
    findings(withLosses(run, (arm, seed) => arm === "hymba" ? hybrid(seed) : 4 + jitter(seed))).join("\n");
  assert.match(said((seed) => 4.3 + 1.1 * jitter(seed)), /The hybrid loses here.*hymba is worse than mamba by 0\.30/s);
  assert.match(said((seed) => 3.7 + 0.9 * jitter(seed)), /The hybrid wins here.*hymba is better than mamba by 0\.30/s);
  assert.match(
    said((seed) => 4 + [0, 0.5, -0.5, 0.1][seed]!),
    /undecided whether the hybrid wins or loses.*undecided: smaller than the noise of 3 seeds/s,
  );
  assert.match(
    said((seed) => 4 + jitter(seed) + [0, 0.001, -0.001, 0][seed]!),
    /neither wins nor loses.*equal within the margin of 0\.02 nats per token/s,
  );
  assert.match(
    said((seed) => 4.01 + jitter(seed) + [0, 0.001, -0.001, 0][seed]!),
    /The hybrid loses here.*which is less than the margin of 0\.02/s,
  );
});

Deno.test("findings: arms that do not beat the baselines are named", () => {
  const run = syntheticRun({ arms: ["mamba", "transformer-global", "hymba"] });
  const text = findings(withLosses(run, (arm) => ({ "mamba": 7, "transformer-global": 5 })[arm] ?? 3)).join("\n");
  assert.match(
    text,
    /worse than the bigram baseline: transformer-global\. Worse than the unigram baseline: mamba\./,
  );
  assert.match(findings(withLosses(run, () => 3)).join("\n"), /Every arm is better than both baselines/);
});

Deno.test("findings: with several seeds a baseline is beaten only beyond their noise", () => {
  const run = syntheticRun({ arms: ["mamba", "hymba"], seeds: 3 }), { loss } = run.record.baselines.bigram;
  const said = (scatter: number) =>
    findings(withLosses(run, (arm, seed) => arm === "mamba" ? loss - 0.1 + scatter * (seed - 2) : 3)).join("\n");
  // Both models together: t for 2 degrees of freedom at 1.25 %: 6.205 · 0.01 / √3 = 0.036.
  assert.match(
    said(0.01),
    /closest is mamba: 0\.100 nats per token below the bigram baseline [^]*3 seeds: 0\.064 to 0\.136/,
  );
  assert.match(said(0.1), /These seeds cannot tell whether it beats the bigram baseline: mamba\./);
  assert.doesNotMatch(said(0.1), /Every arm/);
});

Deno.test("an unfinished study speaks of the seeds that it has, not of those that were planned", () => {
  const whole = withTokenLosses(
    syntheticRun({ arms: ["mamba", "hymba"], seeds: 3 }),
    (arm) => arm === "hymba" ? 0.1 : 0,
  );
  const until = (seed: number) => ({
    ...whole,
    results: whole.results.filter((result) => result.seed <= seed),
    tokenLosses: whole.tokenLosses.filter((kept) => kept.seed <= seed),
  });
  const one = metricsText(until(1)).replaceAll(/\s+/g, " "), two = metricsText(until(2)).replaceAll(/\s+/g, " ");
  assert.match(one, /1 of 3 seeds/);
  assert.match(one, /This is one seed\./);
  assert.match(one, /One seed: the uncertainty of training is unknown\./);
  assert.match(one, /One seed: the intervals cover other text/);
  assert.doesNotMatch(one, /Student|Means over/);
  assert.match(two, /2 of 3 seeds/);
  assert.match(two, /Means over 2 seeds.*Student's t over 2 seeds/);
  const uneven = { ...until(2), results: until(2).results.slice(0, 3) };
  assert.match(metricsText(uneven), /Means over 1 to 2 seeds/);
  assert.match(verdict(until(1)), /not finished: 4 of its 6.* One seed\./);
});

Deno.test("verdict: one paragraph that follows from the intervals, and says when the study is not finished", () => {
  const run = syntheticRun({ arms: ["mamba", "hymba"], seeds: 3 });
  const level = (hybrid: number) => withLosses(run, (arm, seed) => (arm === "hymba" ? hybrid : 4) + 0.001 * seed);
  assert.match(verdict(level(4.3)), /^The hybrid loses here.*hymba is worse than mamba by 0\.300/s);
  assert.match(
    verdict({ ...level(4.3), results: level(4.3).results.slice(0, 4) }),
    /^The study is not finished: 2 of its 6/,
  );
  assert.match(verdict({ ...run, results: [] }), /nothing to compare/);
  assert.match(
    verdict(syntheticRun({ arms: ["mamba", "transformer-global"] })),
    /is (better|worse) than .* One seed\./,
  );
});

Deno.test("findings: an unfinished study, a failed arm and another corpus are said first", () => {
  const run = syntheticRun({ arms: ["mamba", "hymba"] }), [first] = run.results;
  const record = {
    ...run.record,
    corpus: { ...run.record.corpus, name: "moby-dick", warning: "Moby-Dick is used instead" },
  };
  const failure = {
    arm: "hymba",
    seed: 1,
    stage: "pretraining",
    step: 0,
    kind: "failure",
    message: "diverged at step 9",
  } as const;
  const said = findings({ ...run, record, results: [first!], metrics: [failure] });
  assert.deepEqual(said.slice(0, 2), ["Moby-Dick is used instead", "hymba, seed 1, stopped early: diverged at step 9"]);
  assert.match(findings({ ...run, results: [first!] })[0]!, /not finished: 1 of its 2 trainings/);
  assert.deepEqual(failuresOf({ ...run, metrics: [failure] }), [], "a later result overrules an earlier failure");
});

Deno.test("detailed metrics: the baselines stand in the table of the models, several seeds have a deviation", () => {
  const [quality] = metricsTables(syntheticRun({ seeds: 3 }));
  assert.deepEqual(quality!.rows.slice(-2).map(([name]) => name), ["unigram baseline", "bigram baseline"]);
  assert.match(quality!.rows[0]![1]!, /^4\.\d{4} ± 0\.\d{4}$/);
  const { steps } = syntheticRun().record.study.pretraining;
  assert.equal(quality!.rows[0]![7], String(steps), "what all seeds share has no deviation");
  const text = metricsText(syntheticRun({ seeds: 3 }));
  for (const part of ["tinyshakespeare", "KV reduction", "TiB", "nats/token", "bits/byte", "public domain"]) {
    assert.equal(text.includes(part), part !== "TiB", part);
  }
});

Deno.test("nothing in a run acts on a terminal or passes for the report's own words", () => {
  const hostile = "\u001b[2J\u202eevil\u0007\n── fake, seed 1 ──";
  const run = syntheticRun({ arms: ["mamba"], corpus: hostile });
  const samples = [{ stage: "orpo" as const, prompt: hostile, text: hostile }];
  const full = withFirst(run, { samples, failure: hostile });
  for (const text of [samplesText(full), metricsText(full), csvOf(full)]) {
    assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
    assert.doesNotMatch(text, /^── fake/m);
  }
});

Deno.test("samples: prompt and continuation of every arm and stage", () => {
  const text = samplesText(syntheticRun({ arms: ["mamba", "hymba"] }));
  assert.equal(text.match(/^── \S+, seed 1, after/gm)!.length, 4);
  assert.match(text, /prompt\n {2}\| ROMEO:\n {2}\| But soft,\ncontinuation\n/);
});

Deno.test("tables: columns are as wide as their widest cell, in letters and not in code units", () => {
  const lines = tableLines([{ name: "a", align: "left" }, { name: "n", unit: "s" }], [["é👩‍👩‍👧", "1"], ["bb", "22"]]);
  assert.deepEqual(lines, ["a    n", "     s", "──────", "é👩‍👩‍👧   1", "bb  22"]);
});

Deno.test("numbers: prefixes, digits, true minus signs and no locale", () => {
  assert.equal(short(68_910_592), "68.9 M");
  assert.equal(whole(1_234_567), "1,234,567");
  assert.equal(fixed(-1.005, 1), "−1.0");
  assert.equal(significant(0.000012345), "1.23e−5");
  assert.equal(significant(1234.5), "1235");
  assert.equal(bytes(1536), "1.50 KiB");
  assert.equal(duration(3599.99), "1 h 00 min");
  assert.equal(duration(75), "1 min 15 s");
  assert.equal(tickText(0.30000000000000004), "0.3");
  assert.equal(tickText(-20000), "−20 k");
  assert.equal(fixed(Infinity), "–");
});

Deno.test("statistics: the interval of three differences is mean ± 4.303 · s / √3", () => {
  const { mean, interval } = differenceOf([1, 2, 3])!;
  assert.equal(mean, 2);
  assert.ok(Math.abs(interval![1] - (2 + 4.3026527297 / Math.sqrt(3))) < 1e-7);
  assert.equal(isClear({ mean, interval, pairs: 3 }), false);
  assert.equal(isClear(differenceOf([1, 1.1, 0.9])!), true);
  assert.equal(differenceOf([5])!.interval, undefined);
  assert.equal(differenceOf([]), undefined);
});

Deno.test("curves: seeds are joined by step, lines without the measure are left out", () => {
  const run = syntheticRun({ arms: ["mamba"], seeds: 2, preset: "smoke" });
  const points = curve(run, { arm: "mamba", stage: "pretraining", kind: "evaluation" }, ({ loss }) => loss);
  const { steps, evaluateEvery } = run.record.study.pretraining, expected: number[] = [];
  for (let step = evaluateEvery; step < steps; step += evaluateEvery) expected.push(step);
  assert.deepEqual(
    points.map(({ step, spread }) => [step, spread.count]),
    [...expected, steps].map((step) => [step, 2]),
  );
  assert.deepEqual(curve(run, { arm: "mamba", stage: "pretraining", kind: "train" }, ({ nll }) => nll), []);
});

Deno.test("curves of change: each seed against itself, from no change at step 0", () => {
  const run = syntheticRun({ arms: ["mamba"], seeds: 2, preset: "smoke" }), { seeds } = run.record.study;
  const some = run.metrics.find((line) => line.kind === "evaluation")!;
  // Both seeds fall by 0.1 and 0.3, from levels that are 1 apart.
  const line = (seed: number, [stage, step, loss]: readonly ["pretraining" | "orpo", number, number]) =>
    ({ ...some, seed, stage, step, loss: loss + seed }) as MetricsLine;
  const metrics = seeds.flatMap((seed) =>
    [
      ...[["pretraining", 5, 4], ["pretraining", 10, 3], ["orpo", 2, 2.9], ["orpo", 4, 2.7]] as const,
    ].map((each) => line(seed, each))
  );
  const points = curveOfChange(
    { ...run, metrics },
    { arm: "mamba", stage: "orpo", kind: "evaluation" },
    ({ loss }) => loss,
  );
  const rounded = points.map((
    { step, spread },
  ) => [step, ...[spread.low, spread.high].map((x) => Number(x.toFixed(9)))]);
  assert.deepEqual(rounded, [[0, 0, 0], [2, -0.1, -0.1], [4, -0.3, -0.3]]);
  assert.deepEqual(curveOfChange(run, { arm: "nobody", stage: "orpo", kind: "evaluation" }, ({ loss }) => loss), []);
});

Deno.test("token losses: a difference that is there is found, equal arms show none, and the table says so", () => {
  const run = withTokenLosses(
    syntheticRun({ arms: ["mamba", "transformer-global", "hymba"], seeds: 3 }),
    (arm) => arm === "mamba" ? 0 : 0.4,
  );
  const found = comparisons(run).map(({ a, b, difference }) => `${a} ${b} ${isClear(difference)}`);
  assert.deepEqual(found, ["mamba transformer-global true", "mamba hymba true", "transformer-global hymba false"]);
  const text = metricsText(run).replaceAll(/\s+/g, " ");
  assert.match(text, /mamba is better/);
  assert.match(text, /transformer-global hymba \S+ \S+ \S+ \S+ equal within the margin/);
  assert.match(text, /Bootstrap over 20 blocks of about 480 validation tokens/);
  const rows = csvRows(comparisonsCsv(run));
  assert.deepEqual(rows.slice(1).map((row) => row[8]), ["yes", "yes", "no"]);
  assert.deepEqual(rows.slice(1).map((row) => row.at(-2)), ["lower", "lower", "equal"]);
  const narrow = { ...run, record: { ...run.record, study: { ...run.record.study, equivalenceMargin: 1e-4 } } };
  assert.equal(csvRows(comparisonsCsv(narrow)).at(-1)!.at(-2), "undecided");
  assert.equal(comparisons(syntheticRun()).length, 0, "without losses there is nothing to compare");
});

Deno.test("comparisons are on the test part once every model has been read there, and every output says so", () => {
  const run = withTokenLosses(syntheticRun({ arms: ["mamba", "hymba"], seeds: 3 }), () => 0);
  const quality = { loss: 3, perplexity: Math.exp(3), bitsPerByte: 1 };
  const results = run.results.map(({ arm, seed }) => ({ arm, seed, stages: { orpo: quality } }));
  const losses = run.tokenLosses.map((kept) => ({
    ...kept,
    nats: kept.arm === "hymba" ? kept.nats.map((x) => x + 1) : kept.nats,
  }));
  const tested = { ...run, test: { results, losses, readings: [] } };
  const [, row] = csvRows(comparisonsCsv(tested)), text = metricsText(tested).replaceAll(/\s+/g, " ");
  assert.deepEqual(row!.slice(-2), ["lower", "test"]);
  assert.match(text, /PAIRED DIFFERENCES OF TEST LOSS[^]* test tokens, the same/);
  assert.match(text, /hymba is worse than mamba by (0\.9|1\.0)/);
  const partly = { ...run, test: { results: results.slice(1), losses: losses.slice(1), readings: [] } };
  assert.equal(csvRows(comparisonsCsv(partly))[1]!.at(-1), "validation");
});

Deno.test("one seed with token losses: intervals are over the text, and the text says that", () => {
  const text = metricsText(withTokenLosses(syntheticRun({ arms: ["mamba", "hymba"] }), () => 0)).replaceAll(
    /\s+/g,
    " ",
  );
  assert.match(text, /cover the choice of the validation text only/);
  assert.match(text, /cover other text, but not other trainings/);
  assert.match(text, /undecided: smaller than the noise of the validation text|equal within the margin/);
});

Deno.test("factorial: each factor's effect is that of its four pairs", () => {
  const made = syntheticRun({ suite: "factorial", seeds: 3 });
  const run = withTokenLosses(made, (arm) => arm === "hymba" || arm.includes("meta") ? -0.3 : 0);
  const effects = factorEffects(run);
  assert.deepEqual(effects.map(({ difference }) => isClear(difference)), [true, false, false]);
  assert.ok(Math.abs(effects[0]!.difference.mean + 0.3) < 0.02);
  const text = findings(run).join("\n");
  assert.match(text, /Meta tokens lower the loss by 0\.3/);
  assert.match(
    text,
    /Windows: (undecided: smaller than the noise of 3 seeds and the validation text|equal within the margin of 0\.02)/,
  );
});

Deno.test("the first stage in words: one number where all models have it, else the least and the most", () => {
  const { study } = syntheticRun({ arms: ["mamba", "hymba"], preset: "smoke" }).record;
  const { steps, batch, rate } = study.pretraining;
  assert.deepEqual(firstStageWords(study), {
    steps: String(steps),
    batch: String(batch),
    rate: String(rate),
    schedule: "cosine to zero",
  });
  const [first, ...others] = study.arms;
  assert.ok(first);
  const changed = { ...first, pretraining: { steps: steps + 7, schedule: "constant" as const } };
  const { steps: range, schedule } = firstStageWords({ ...study, arms: [changed, ...others] });
  assert.deepEqual([range, schedule], [`${steps} to ${steps + 7}`, "constant, or cosine to zero"]);
});
