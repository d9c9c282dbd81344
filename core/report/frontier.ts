/** The cost of quality: loss and recall of every model against the bytes of its cache, its flops and its time. */
import { type Arm, studyOfArm } from "../config/mod.ts";
import { mean } from "../lists.ts";
import type { ArmResult, Run } from "../record/mod.ts";
import { updateFlops } from "../study/match.ts";
import { armAxis } from "./ablation_chart.ts";
import { footerOf, oneLine, spreadNote } from "./caption.ts";
import { linePlot } from "./chart/lines.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { short } from "./format.ts";
import { missingSpeed, NOT_MEASURABLE, timeNotes, trainingTime } from "./speeds.ts";
import { type Spread, spreadOf, summaries } from "./summary.ts";

/** A model on the frontier's axes. Spreads are over the seeds. */
export interface ModelCost {
  readonly name: string;
  /** Keys, values and states of one sequence. */
  readonly cacheBytes: number;
  /** Of the first stage, forward, backward and update. */
  readonly flopsPerToken: number;
  /** Of the first stage, at the measured speed; undefined if it is not measurable. */
  readonly seconds: Spread | undefined;
  readonly loss: Spread | undefined;
  /** The share of right answers over all distances, if the model was probed. */
  readonly recall: Spread | undefined;
}

const bytesOf = ({ cache }: ArmResult) => cache.kvBytes + cache.stateBytes;

function flopsPerToken(run: Run, arm: Arm): number {
  const { study } = run.record, { batch } = studyOfArm(study, arm).pretraining;
  return updateFlops(study, arm) / (batch * study.sequenceLength);
}

const recallOf = (run: Run, name: string): Spread | undefined =>
  spreadOf(
    run.recall.filter(({ arm }) => arm === name).map(({ accuracies }) => mean(accuracies.map((a) => a.accuracy))),
  );

/** Every model that finished its first stage, in the order of the study. */
export const modelCosts = (run: Run): ModelCost[] =>
  summaries(run).flatMap(({ name, arm, results, spread }): ModelCost[] => {
    const [first] = results, loss = spread(({ stages }) => stages.pretraining?.final.loss);
    if (!first || !loss) return [];
    const seconds = trainingTime(run, name);
    const costs = { cacheBytes: bytesOf(first), flopsPerToken: flopsPerToken(run, arm), seconds };
    return [{ name, ...costs, loss, recall: recallOf(run, name) }];
  });

/** frontier.csv: one row for each model. */
export function frontierCsv(run: Run): string {
  const head =
    "model,cache_bytes,flops_per_token,pretrain_s,pretrain_low_s,pretrain_high_s,loss_nats,loss_low,loss_high,recall,recall_low,recall_high";
  const three = (spread: Spread | undefined, missing = "") =>
    spread ? [spread.mean, spread.low, spread.high] : [missing, "", ""];
  const time = run.speeds && NOT_MEASURABLE;
  const rows = modelCosts(run).map(({ name, cacheBytes, flopsPerToken, seconds, loss, recall }) =>
    [name, cacheBytes, Math.round(flopsPerToken), ...three(seconds, time), ...three(loss), ...three(recall)].join(",")
  );
  return [head, ...rows].map((row) => `${row}\n`).join("");
}

/** A kind of cost: its name, its unit, and the value for a model. */
interface CostKind {
  readonly words: string;
  readonly title: string;
  of(model: ModelCost): number | undefined;
}

const COST_KINDS: readonly CostKind[] = [
  { words: "a smaller cache", title: "bytes of cache per sequence", of: ({ cacheBytes }) => cacheBytes },
  { words: "less arithmetic", title: "flops per token of training", of: ({ flopsPerToken }) => flopsPerToken },
  { words: "less time", title: "seconds of stage 1, at the measured speed", of: ({ seconds }) => seconds?.mean },
];

/** The models that no other model beats in both cost and loss. */
function unbeaten(models: readonly ModelCost[], { of }: CostKind): ModelCost[] {
  const paid = (model: ModelCost) => of(model) ?? Infinity, lost = ({ loss }: ModelCost) => loss?.mean ?? Infinity;
  return models.filter((model) =>
    !models.some((other) =>
      paid(other) <= paid(model) && lost(other) <= lost(model) &&
      (paid(other) < paid(model) || lost(other) < lost(model))
    )
  );
}

/** The models on the frontier of each kind of cost, by their mean losses. */
export function frontierFindings(run: Run): string[] {
  if (run.record.study.suite !== "frontier") return [];
  const models = modelCosts(run);
  return COST_KINDS.map((cost) => {
    if (models.some((model) => cost.of(model) === undefined)) return `${cost.title}: ${missingSpeed(run)}.`;
    const names = unbeaten(models, cost).map(({ name }) => oneLine(name)).join(", ");
    return `By their mean losses, no other model has both ${cost.words} and a lower loss than these: ${names}.`;
  });
}

function costCell(
  run: Run,
  { models, cost, quality }: { models: readonly ModelCost[]; cost: CostKind; quality: "loss" | "recall" },
): Cell {
  const { looks } = armAxis(summaries(run)), names = summaries(run).map(({ name }) => name);
  const lines = models.flatMap((model) => {
    const step = cost.of(model), spread = model[quality], look = looks[names.indexOf(model.name)];
    return step === undefined || spread === undefined || !look
      ? []
      : [{ points: [{ step, spread }], look, markers: true }];
  });
  const isLoss = quality === "loss";
  return {
    title: isLoss ? "Validation loss" : "Recall, all distances",
    subtitle: isLoss ? "after pretraining; lower left is better" : "upper left is better",
    plot: linePlot(lines, {
      x: { title: cost.title, log: true, tick: short },
      y: isLoss ? { title: "nats per token" } : { title: "share of right answers", min: 0, max: 1 },
    }),
  };
}

/** Draws frontier.png. Returns the bytes of a PNG. */
export function frontierChart(run: Run): Promise<Uint8Array> {
  const models = modelCosts(run), axis = armAxis(summaries(run));
  const qualities = models.some(({ recall }) => recall) ? ["loss", "recall"] as const : ["loss"] as const;
  const known = COST_KINDS.filter((cost) => models.some((model) => cost.of(model) !== undefined));
  const cells = qualities.flatMap((quality) => known.map((cost) => costCell(run, { models, cost, quality })));
  return drawSheet({
    title: "What quality costs",
    subtitle: "every model against the bytes of its cache, its arithmetic and its time; logarithmic axes",
    footer: footerOf(run),
    columns: 3,
    cells,
    cellHeight: 340,
    below: { axis, keys: [], notes: [spreadNote(run), ...timeNotes(run)] },
  });
}
