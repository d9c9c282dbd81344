/** The results of a preference task with an oracle: how often fresh samples have the attribute, and the change of the loss. */
import { ATTRIBUTES } from "../data/oracle.ts";
import { at } from "../lists.ts";
import type { OracleResult } from "../study/oracle_files.ts";
import type { OracleOutcome } from "../study/oracle_task.ts";
import { drawLegend } from "./chart/legend.ts";
import { type Line, linePlot } from "./chart/lines.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { csvText } from "./csv.ts";
import { fixed, percent } from "./format.ts";
import { type Look, looks } from "./palette.ts";
import { type Difference, differenceOf, isClear } from "./statistics.ts";
import type { Column } from "./text_table.ts";

type Interval = readonly [low: number, high: number];

const NORMAL = 1.959963984540054;

/** The 95 % interval of a share by Wilson, 1927. */
export function shareInterval(hits: number, count: number): Interval {
  const p = hits / count, z = NORMAL, spread = z * Math.sqrt(p * (1 - p) / count + z * z / (4 * count * count));
  const middle = p + z * z / (2 * count), all = 1 + z * z / count;
  return [(middle - spread) / all, (middle + spread) / all];
}

/** One model after a number of steps. */
export interface OraclePoint {
  readonly name: string;
  readonly beta: number | null;
  readonly shuffled: boolean;
  readonly rate: number | null;
  readonly steps: number;
  readonly share: number;
  readonly interval: Interval;
  readonly loss_nats: number;
  readonly kl_nats: number;
  /**
   * Share minus that of β = 0 after the same number of steps, on the same prompts with the same random numbers. The intervals
   * are simultaneous.
   */
  readonly overBetaZero?: Difference;
  /** Share minus that of the same β with shuffled labels. */
  readonly overShuffled?: Difference;
}

const bitsOf = (letters: string): number[] => Array.from(letters, Number);

/** The difference of two shares on the same prompts. */
function pairedShares(a: string, b: string, together: number): Difference | undefined {
  const x = bitsOf(a), y = bitsOf(b);
  return differenceOf(x.map((hit, i) => hit - at(y, i)), { together });
}

/** All points of a task, stage 1 first. More than one prompt needs `loadStudent`. */
export function oraclePoints({ results }: OracleOutcome): OraclePoint[] {
  const compared = results.filter(({ beta, shuffled }) => beta !== null && !shuffled);
  const together = Math.max(1, compared.reduce((sum, { points }) => sum + points.length, 0));
  const find = (beta: number | null, shuffled: boolean, steps: number) =>
    results.find((one) => one.beta === beta && one.shuffled === shuffled)?.points.find((one) => one.steps === steps);
  return results.flatMap((result) =>
    result.points.map((point): OraclePoint => {
      const { name, beta, shuffled, rate } = result, { steps, hits, loss_nats, kl_nats } = point, bits = bitsOf(hits);
      const count = bits.reduce((sum, bit) => sum + bit, 0);
      const against = (other: OracleResult["points"][number] | undefined) =>
        other && pairedShares(hits, other.hits, together);
      const overBetaZero = beta !== null && beta > 0 && !shuffled ? against(find(0, false, steps)) : undefined;
      const overShuffled = beta !== null && !shuffled ? against(find(beta, true, steps)) : undefined;
      return {
        name,
        beta,
        shuffled,
        rate,
        steps,
        loss_nats,
        kl_nats,
        share: count / bits.length,
        interval: shareInterval(count, bits.length),
        ...(overBetaZero ? { overBetaZero } : {}),
        ...(overShuffled ? { overShuffled } : {}),
      };
    })
  );
}

/** preference_task.csv */
export function oracleCsv(outcome: OracleOutcome): string {
  const head =
    ("model,beta,labels,rate,steps,prompts,share,share_low,share_high,loss_nats,kl_nats,over_beta_0,over_beta_0_low," +
      "over_beta_0_high,over_shuffled,over_shuffled_low,over_shuffled_high").split(",");
  const ends = (difference: Difference | undefined) => [
    difference?.mean,
    difference?.interval?.[0],
    difference?.interval?.[1],
  ];
  const rows = oraclePoints(outcome).map((point) => [
    ...[
      point.name,
      point.beta ?? undefined,
      point.shuffled ? "shuffled" : "oracle",
      point.rate ?? undefined,
      point.steps,
    ],
    ...[outcome.settings.prompts, point.share, ...point.interval, point.loss_nats, point.kl_nats],
    ...ends(point.overBetaZero),
    ...ends(point.overShuffled),
  ]);
  return csvText([head, ...rows]);
}

/** A difference of shares, where 1 is all samples. */
const ranged = (difference: Difference | undefined): string =>
  difference?.interval
    ? `${fixed(difference.mean, 3)} (${fixed(difference.interval[0], 3)} to ${fixed(difference.interval[1], 3)})`
    : "";

/** The table as columns and rows. */
export function oracleTable(outcome: OracleOutcome): { columns: Column[]; rows: string[][] } {
  return {
    columns: [
      { name: "model", align: "left" },
      { name: "rate" },
      { name: "steps" },
      { name: "have it", unit: "% of samples, 95 %" },
      { name: "share over β = 0", unit: "95 % together" },
      { name: "share over shuffled", unit: "95 % together" },
      { name: "loss", unit: "nats/token" },
      { name: "KL", unit: "nats/token" },
    ],
    rows: oraclePoints(outcome).map(({ name, rate, steps, share, interval, loss_nats, kl_nats, ...over }) => [
      name,
      rate === null ? "" : String(rate),
      String(steps),
      `${percent(share)} (${percent(interval[0])} to ${percent(interval[1])})`,
      ranged(over.overBetaZero),
      ranged(over.overShuffled),
      fixed(loss_nats, 4),
      fixed(kl_nats, 4),
    ]),
  };
}

/** The preferred property, in words. */
const oracleInWords = ({ oracle: { attribute, least } }: OracleOutcome): string =>
  `at least ${Number(least.toPrecision(4))} ${ATTRIBUTES[attribute].words}`;

/** Sentences: at which β the preference term has an effect beyond training on the chosen texts. */
export function oracleFindings(outcome: OracleOutcome): string[] {
  const { pairs, settings, results } = outcome, points = oraclePoints(outcome), [before] = points;
  const found = [
    `The oracle prefers ${oracleInWords(outcome)}: ${
      percent(pairs.share)
    } of the first samples have it. ${pairs.count} of ` +
    `${pairs.contests} pairs were kept, so that the chosen sample is the likelier one in half of them (its lead is ` +
    `${fixed(pairs.lead_nats, 4)} nats per token on average).`,
    ...results.flatMap(({ name, failure }) => failure === null ? [] : [`${name} stopped early: ${failure}`]),
  ];
  const zero = points.filter(({ beta, shuffled }) => beta === 0 && !shuffled);
  const [best] = zero.toSorted((a, b) => b.share - a.share);
  if (before && best) {
    found.push(
      `Fresh samples of stage 1 have it in ${
        percent(before.share)
      } of ${settings.prompts} prompts. Training on the chosen ` +
        `texts alone (β = 0) comes to ${percent(best.share)} after ${best.steps} steps.`,
    );
  }
  found.push(preferenceTermInWords(outcome, points));
  found.push(
    "The intervals allow for other prompts and draws, not for other trainings. Each β has its own rate, chosen on development " +
      `prompts: the one with the most samples that have the attribute, whose loss rises by at most ${settings.mostLoss} nats.`,
    ...ratesTooLarge(outcome),
  );
  return found;
}

/** Says for which β every rate increased the loss beyond its bound. */
function ratesTooLarge({ rates, settings: { mostLoss }, stageOneLoss }: OracleOutcome): string[] {
  const over = rates.filter(({ tried }) =>
    !tried.some(({ loss_nats }) => loss_nats !== null && loss_nats - stageOneLoss <= mostLoss)
  );
  if (over.length === 0) return [];
  const betas = over.map(({ beta }) => beta).join(", ");
  return [`With β = ${betas} no rate that was tried kept the loss within this bound, so the smallest was taken.`];
}

const listed = (numbers: readonly number[]): string =>
  numbers.length < 2 ? numbers.join() : `${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;

/** A sentence on the effect of the preference term in addition to training on the chosen texts. */
function preferenceTermInWords({ stageOneLoss }: OracleOutcome, points: readonly OraclePoint[]): string {
  if (!points.some(({ overBetaZero }) => overBetaZero)) {
    return "Without β = 0 or without another β, it is not known what the preference term adds.";
  }
  const more = points.filter(({ overBetaZero }) => overBetaZero && isClear(overBetaZero) && overBetaZero.mean > 0);
  if (more.length === 0) {
    return "At no β do these prompts show that the preference term adds anything to training on the chosen texts.";
  }
  const each = [...Map.groupBy(more, ({ beta }) => beta).values()].map((own) => {
    const { beta, overBetaZero, kl_nats, loss_nats } = own.reduce((best, one) => one.share > best.share ? one : best);
    const steps = listed(own.map((one) => one.steps)), loss = fixed(loss_nats - stageOneLoss, 3);
    return `β = ${beta} after ${steps} steps: the share is higher by up to ${ranged(overBetaZero)}, with KL ${
      fixed(kl_nats, 3)
    } and a loss ${loss} above stage 1`;
  });
  return `The preference term adds something beyond training on the chosen texts at ${each.join("; ")}.`;
}

/** The points of one model as a curve over some measure. */
function curveOf(
  points: readonly OraclePoint[],
  { look, x, start }: { look: Look; x: (point: OraclePoint) => number; start?: OraclePoint },
): Line {
  const all = [...(start ? [start] : []), ...points].toSorted((a, b) => x(a) - x(b));
  return {
    points: all.map((point) => ({
      step: x(point),
      spread: {
        mean: 100 * point.share,
        // Only trainings with true labels have a band, so that the bands can be distinguished.
        low: 100 * (points[0]?.shuffled ? point.share : point.interval[0]),
        high: 100 * (points[0]?.shuffled ? point.share : point.interval[1]),
        deviation: undefined,
        count: 2,
      },
    })),
    look,
    style: points[0]?.shuffled ? "dashed" : "plain",
    markers: true,
  };
}

/** preference_task.png: the share of samples with the attribute over steps, KL and loss. */
export function oracleChart(outcome: OracleOutcome, { footer }: { footer: string }): Promise<Uint8Array> {
  const points = oraclePoints(outcome), start = points.find(({ beta }) => beta === null);
  const names = outcome.settings.betas.map((beta) => `β = ${beta}`), look = looks(names);
  const trained = [...Map.groupBy(points.filter(({ beta }) => beta !== null), ({ name }) => name).values()];
  const cellOf = (title: string, unit: string, x: (point: OraclePoint) => number): Cell => ({
    title,
    subtitle: "bands: 95 % intervals over the prompts",
    plot: linePlot(
      trained.map((own) => curveOf(own, { look: look(`β = ${own[0]?.beta}`), x, start })),
      {
        x: { title: unit },
        y: { title: "% of samples with the attribute" },
        references: start ? [{ axis: "y", value: 100 * start.share, label: "stage\u00a01" }] : [],
      },
    ),
  });
  return drawSheet({
    title: "A preference that can be checked",
    subtitle: `${outcome.settings.model}: chosen are samples with ${oracleInWords(outcome)}`,
    footer,
    columns: 2,
    cells: [
      cellOf("Over the steps", "steps", ({ steps }) => steps),
      cellOf("Over the distance from stage 1", "KL of fresh samples, nats per token", ({ kl_nats }) => kl_nats),
      cellOf(
        "Over the loss",
        "validation loss above stage 1, nats per token",
        (point) => point.loss_nats - outcome.stageOneLoss,
      ),
      legendOf(names, outcome),
    ],
    cellHeight: 460,
  });
}

const legendOf = (names: readonly string[], outcome: OracleOutcome): Cell => ({
  title: "Legend",
  paint: (brush, box) =>
    drawLegend(brush, box, {
      axis: { names, looks: names.map(looks(names)) },
      keys: [{ sample: "dashed", text: "shuffled labels; stage 1" }],
      notes: oracleFindings(outcome),
    }),
});
