/** The CSV files of a run: ablation_results.csv, preference.csv and comparisons.csv. */
import { type ArmResult, type Quality, type Run, studyLabel } from "../record/mod.ts";
import { NOT_MEASURABLE, speedOf, steadySpeed, trainingTime } from "./speeds.ts";
import { comparedPart, comparisons, isClear, marginOf, standingOf } from "./statistics.ts";
import { testQuality } from "./summary.ts";

export type Cell = string | number | undefined;

/** Columns of log odds and log-probabilities: before the second stage, after it, and after the control. */
const PREFERENCE_COLUMNS = [["log_odds", "logOdds"], ["chosen_logp", "chosenLogp"], ["rejected_logp", "rejectedLogp"]]
  .flatMap(([name, field]): [name: string, of: (result: ArmResult) => Cell][] => {
    const of = field as "logOdds" | "chosenLogp" | "rejectedLogp";
    return [
      [`preference_${name}_before_nats`, ({ stages }) => stages.orpo?.preference?.before[of]],
      [`preference_${name}_nats`, ({ stages }) => stages.orpo?.preference?.after[of]],
      [`control_preference_${name}_nats`, ({ stages }) => stages.control?.preference?.after[of]],
    ];
  });

/** Median, lowest and highest speed of an arm. There is no median if the interval is too wide. */
const SPEED_COLUMNS = (["training", "generation"] as const)
  .flatMap((kind): [name: string, of: (result: ArmResult, run: Run) => Cell][] => [
    [`${kind}_tokens_per_s`, ({ arm }, run) => steadySpeed(run, arm, kind)?.mean ?? (run.speeds && NOT_MEASURABLE)],
    [`${kind}_low_tokens_per_s`, ({ arm }, run) => speedOf(run, arm, kind)?.low],
    [`${kind}_high_tokens_per_s`, ({ arm }, run) => speedOf(run, arm, kind)?.high],
  ]);

/** Seconds of the first stage at the measured speed, with its interval. */
const TIME_COLUMNS: readonly [name: string, of: (result: ArmResult, run: Run) => Cell][] = [
  ["pretrain_s", (result, run) => timeOf(result, run)?.mean ?? (run.speeds && NOT_MEASURABLE)],
  ["pretrain_low_s", (result, run) => timeOf(result, run)?.low],
  ["pretrain_high_s", (result, run) => timeOf(result, run)?.high],
];

const timeOf = ({ arm, stages }: ArmResult, run: Run) =>
  stages.pretraining && trainingTime(run, arm, stages.pretraining.tokens);

/** The columns of ablation_results.csv in order. The name of a measure with a unit ends with the unit. */
const COLUMNS: readonly (readonly [name: string, of: (result: ArmResult, run: Run) => Cell])[] = [
  ["parameters", ({ parameters }) => parameters],
  ["pretrain_steps", ({ stages }) => stages.pretraining?.steps],
  ["pretrain_best_loss_nats", ({ stages }) => stages.pretraining?.best.loss],
  ["pretrain_final_loss_nats", ({ stages }) => stages.pretraining?.final.loss],
  ["pretrain_best_perplexity", ({ stages }) => stages.pretraining?.best.perplexity],
  ["pretrain_final_perplexity", ({ stages }) => stages.pretraining?.final.perplexity],
  ["pretrain_final_bits_per_byte", ({ stages }) => stages.pretraining?.final.bitsPerByte],
  ["orpo_steps", ({ stages }) => stages.orpo?.steps],
  ["orpo_best_loss_nats", ({ stages }) => stages.orpo?.best.loss],
  ["orpo_final_loss_nats", ({ stages }) => stages.orpo?.final.loss],
  ["orpo_best_perplexity", ({ stages }) => stages.orpo?.best.perplexity],
  ["orpo_final_perplexity", ({ stages }) => stages.orpo?.final.perplexity],
  ["orpo_final_bits_per_byte", ({ stages }) => stages.orpo?.final.bitsPerByte],
  ["control_final_perplexity", ({ stages }) => stages.control?.final.perplexity],
  ["preference_accuracy_before", ({ stages }) => stages.orpo?.preference?.before.accuracy],
  ["preference_accuracy", ({ stages }) => stages.orpo?.preference?.after.accuracy],
  ["control_preference_accuracy", ({ stages }) => stages.control?.preference?.after.accuracy],
  ["preference_margin_before_nats", ({ stages }) => stages.orpo?.preference?.before.margin],
  ["preference_margin_nats", ({ stages }) => stages.orpo?.preference?.after.margin],
  ["control_preference_margin_nats", ({ stages }) => stages.control?.preference?.after.margin],
  ...PREFERENCE_COLUMNS,
  ...SPEED_COLUMNS,
  ...TIME_COLUMNS,
  ["kv_cache_bytes", ({ cache }) => cache.kvBytes],
  ["state_cache_bytes", ({ cache }) => cache.stateBytes],
  ["kv_layer_ratio", ({ cache }) => cache.byteRatio === undefined ? undefined : cache.layerRatio],
  ["kv_byte_ratio", ({ cache }) => cache.byteRatio],
  ["training_peak_bytes", ({ memory }) => memory.peakBytes],
  ["failure", ({ failure }) => failure],
];

/** Columns for the test part: [name, stage, measure]. */
const TEST_COLUMNS = (["pretraining", "orpo", "control"] as const).flatMap((stage) => {
  const prefix = stage === "pretraining" ? "pretrain" : stage;
  return ([["loss_nats", "loss"], ["perplexity", "perplexity"], ["bits_per_byte", "bitsPerByte"]] as const)
    .map(([words, measure]) => [`${prefix}_test_${words}`, stage, measure] as const);
});

/** A spreadsheet takes a cell that starts like this for a formula, even after spaces. A leading apostrophe makes it a text. */
const FORMULA = /^[\s\p{Cc}\p{Cf}]*[=+\-@|＝＋－＠]/u;

/** A text as a cell: control characters become spaces, and a text that looks like a formula gets a leading apostrophe. */
function textCell(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, " ");
  const safe = FORMULA.test(plain) ? `'${plain}` : plain;
  return /[",;']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const cell = (value: Cell): string => {
  if (typeof value === "string") return textCell(value);
  return value === undefined || !Number.isFinite(value) ? "" : String(value);
};

/** The rows as CSV: RFC 4180 quoting, line feeds, all digits of a number, an empty cell for a missing value. */
export const csvText = (rows: readonly (readonly Cell[])[]): string =>
  rows.map((row) => row.map(cell).join(",") + "\n").join("");

/**
 * ablation_results.csv: one row per arm and seed, then one row per baseline, which fills the columns of the first stage. Every
 * row names the corpus.
 */
export function csvOf(run: Run): string {
  const { corpus, baselines } = run.record, tested = run.test ? TEST_COLUMNS : [];
  const tail = [corpus.name, studyLabel(run.record).words];
  const head = [...COLUMNS.map(([name]) => name), ...tested.map(([name]) => name)];
  const rows: Cell[][] = [["model", "seed", ...head, "corpus", "preset"]];
  for (const result of run.results) {
    const onTest = tested.map(([, stage, measure]) => testQuality(run, result, stage)?.[measure]);
    rows.push([result.arm, result.seed, ...COLUMNS.map(([, of]) => of(result, run)), ...onTest, ...tail]);
  }
  for (const name of ["unigram", "bigram"] as const) {
    const onTest = tested.map(([, stage, measure]) =>
      stage === "pretraining" ? run.test?.baselines?.[name][measure] : undefined
    );
    const cells = COLUMNS.map(([column]) => baselineCell(baselines[name], column));
    rows.push([name, undefined, ...cells, ...onTest, ...tail]);
  }
  return csvText(rows);
}

/** preference.csv: held-out measures over the steps of the second stage and of its control (beta 0). */
export function preferenceCsv(run: Run): string {
  const head = "model,seed,beta,step,accuracy,margin_nats,log_odds_nats,chosen_logp,rejected_logp".split(",");
  const rows = run.metrics.filter(({ kind }) => kind === "preference").map((line): Cell[] => {
    const beta = line.stage === "control" ? 0 : run.record.study.preference.beta;
    const { arm, seed, step, accuracy, margin, logOdds, chosenLogp, rejectedLogp } = line;
    return [arm, seed, beta, step, accuracy, margin, logOdds, chosenLogp, rejectedLogp];
  });
  return csvText([head, ...rows]);
}

/**
 * comparisons.csv: every pair of models after every stage that both have. low_nats to high_nats are simultaneous intervals for
 * all pairs, alone_low_nats to alone_high_nats are not.
 */
export function comparisonsCsv(run: Run): string {
  const head = ("model_a,model_b,stage,seeds,blocks,difference_nats,low_nats,high_nats,differs,alone_low_nats," +
    "alone_high_nats,margin_nats,finding,part").split(",");
  const margin = marginOf(run), part = comparedPart(run);
  const rows = (["pretraining", "orpo", "control"] as const).flatMap((stage) =>
    comparisons(run, stage).map(({ a, b, difference }): Cell[] => {
      const { pairs, blocks, mean, interval, alone } = difference, clear = isClear(difference) ? "yes" : "no";
      const ends = [interval?.[0], interval?.[1], clear, alone?.[0], alone?.[1]];
      return [a, b, stage, pairs, blocks, mean, ...ends, margin, standingOf(difference, margin), part];
    })
  );
  return csvText([head, ...rows]);
}

function baselineCell(quality: Quality, column: string): Cell {
  switch (column) {
    case "pretrain_best_loss_nats":
    case "pretrain_final_loss_nats":
      return quality.loss;
    case "pretrain_best_perplexity":
    case "pretrain_final_perplexity":
      return quality.perplexity;
    case "pretrain_final_bits_per_byte":
      return quality.bitsPerByte;
  }
}
