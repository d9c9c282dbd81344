/** How much each change from one model to another adds to the loss: as values, as CSV and in words. */
import type { Run } from "../record/mod.ts";
import { at, mean } from "../lists.ts";
import type { Lattice } from "../study/blame.ts";
import { type Mask, rangeOf, shareOf } from "../study/shapley.ts";
import { csvText } from "./csv.ts";
import { fixed } from "./format.ts";
import { type Difference, differenceOf, isClear } from "./statistics.ts";
import { testQuality } from "./summary.ts";
import { pointInWords } from "./sweep_report.ts";

/** The effect of one change in nats per token. Above zero, the loss rises. */
export interface Blamed {
  readonly change: string;
  readonly fields: Lattice["changes"][number]["fields"];
  /** Mean over the seeds. The interval is simultaneous for all changes. */
  readonly share: Difference;
  /** The smallest and the largest effect of the change, over the changes that were made before it. */
  readonly range: readonly [least: number, most: number];
  /** By seed. */
  readonly bySeed: readonly number[];
}

export interface Blame {
  readonly from: string;
  readonly to: string;
  /** The part of the text of the losses. */
  readonly part: "test" | "validation";
  readonly seeds: readonly number[];
  /** Seeds with a model that diverged. They are left out. */
  readonly diverged: readonly { readonly seed: number; readonly models: readonly string[] }[];
  readonly total: Difference;
  readonly changes: readonly Blamed[];
  readonly idle: readonly string[];
  /** How many orders were sampled; undefined if all orders were used. */
  readonly orders?: number;
  readonly models: readonly {
    readonly name: string;
    readonly losses: readonly (number | null)[];
    readonly choice?: Readonly<Record<string, unknown>>;
  }[];
}

/** The losses of a model by seed, on the test part if it was evaluated. */
function lossesOf(run: Run, name: string, part: Blame["part"]): (number | undefined)[] {
  return run.record.study.seeds.map((seed) => {
    const result = run.results.find((one) => one.arm === name && one.seed === seed);
    if (!result) return undefined;
    return part === "test" ? testQuality(run, result, "pretraining")?.loss : result.stages.pretraining?.final.loss;
  });
}

/** The models that diverged with each seed. Seeds with which none did are left out. */
function divergedOf(
  seeds: readonly number[],
  losses: ReadonlyMap<string, readonly (number | undefined)[]>,
): Blame["diverged"] {
  return seeds.flatMap((seed, i) => {
    const models = [...losses].flatMap(([name, own]) => own[i] === undefined ? [name] : []);
    return models.length > 0 ? [{ seed, models }] : [];
  });
}

/**
 * The shares of all changes from the run that trained the models. `choices`: the values that a sweep chose for each model.
 * Undefined if no seed has all models.
 */
export function blameOf(
  run: Run,
  lattice: Lattice,
  { from, to, choices }: {
    from: string;
    to: string;
    choices: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  },
): Blame | undefined {
  const part = run.test ? "test" : "validation", { changes, additions, nameOf, nodes, idle, orders } = lattice;
  const losses = new Map(nodes.map(({ name }) => [name, lossesOf(run, name, part)])), all = run.record.study.seeds;
  const sound = (_: number, i: number) => [...losses.values()].every((own) => own[i] !== undefined);
  const used = all.map((_, i) => i).filter((i) => sound(0, i));
  if (used.length === 0) return undefined;
  const values = used.map((i) => (mask: Mask) => losses.get(nameOf.get(mask) ?? "")?.[i] ?? NaN);
  const full = 2 ** changes.length - 1, together = changes.length;
  const blamed = changes.map(({ name, fields }, i): Blamed => {
    const bySeed = values.map((value) => shareOf(at(additions, i), value));
    const share = differenceOf(bySeed, { together }) as Difference;
    return { change: name, fields, share, range: rangeOf(at(additions, i), values), bySeed };
  });
  return {
    from,
    to,
    part,
    idle,
    seeds: used.map((i) => at(all, i)),
    diverged: divergedOf(all, losses),
    total: differenceOf(values.map((value) => value(full) - value(0))) as Difference,
    changes: blamed,
    ...(orders ? { orders: orders.length } : {}),
    models: nodes.map(({ name }) => {
      const choice = choices.get(name);
      return { name, losses: (losses.get(name) ?? []).map((loss) => loss ?? null), ...(choice ? { choice } : {}) };
    }),
  };
}

const shown = (value: unknown): string => JSON.stringify(value) ?? "absent";

/** The fields of a change in words: `archType "mamba" to "hymba", valueHeadDim 8 to 16`. */
const changeInWords = ({ fields }: Pick<Blamed, "fields">): string =>
  fields.map(({ path, from, to }) => `${path} ${shown(from)} to ${shown(to)}`).join(", ");

/** blame.csv: a row for each change, then one for all changes together. */
export function blameCsv({ changes, total, part, seeds, orders }: Blame): string {
  const head =
    "change,fields,share_nats,low_nats,high_nats,alone_low_nats,alone_high_nats,least_nats,most_nats,seeds," +
    "part,orders";
  const tail = [seeds.length, part, orders ?? "all"];
  const rows = changes.map((one) => {
    const { share: { mean, interval, alone }, range } = one;
    return [
      one.change,
      changeInWords(one),
      mean,
      interval?.[0],
      interval?.[1],
      alone?.[0],
      alone?.[1],
      ...range,
      ...tail,
    ];
  });
  const { mean, interval } = total, whole = ["all changes", "", mean, interval?.[0], interval?.[1]];
  return csvText([head.split(","), ...rows, [...whole, interval?.[0], interval?.[1], undefined, undefined, ...tail]]);
}

const nats = (difference: Difference, interval = difference.interval): string =>
  `${fixed(difference.mean, 4)} nats${interval ? ` (${fixed(interval[0], 4)} to ${fixed(interval[1], 4)})` : ""}`;

/** How the orders were chosen, in words. */
export const ordersInWords = ({ orders, changes }: Blame): string =>
  orders === undefined
    ? `averaged over all orders of ${changes.length} changes`
    : `averaged over ${orders} sampled orders of ${changes.length} changes; the intervals do not allow for the choice of orders`;

/** How the rates of the models were found, in words. */
export const ratesInWords = ({ models }: Blame): string => {
  const tuned = models.flatMap(({ choice }) => choice ? [Object.keys(choice)] : []), [keys] = tuned;
  return keys
    ? `${keys.join(", ")} was chosen for each model by a sweep on the validation part, with other seeds`
    : "nothing was tuned: all models have the rates that they are given, which may suit some better than others";
};

/** blame.txt */
export function blameText(blame: Blame): string {
  const { from, to, total, changes, idle, seeds, diverged, part, models } = blame;
  const sorted = changes.toSorted((a, b) => Math.abs(b.share.mean) - Math.abs(a.share.mean));
  const rest = `on the ${part} part, ${seeds.length === 1 ? "one seed, so no interval" : `${seeds.length} seeds`}`;
  const lines = sorted.map((one) => {
    const [least, most] = one.range, mark = seeds.length === 1 ? "" : isClear(one.share) ? "" : "; not told from zero";
    return `  ${one.change}: ${nats(one.share)}${mark}; ${fixed(least, 4)} to ${
      fixed(most, 4)
    } by what was changed before` +
      `\n    ${changeInWords(one)}`;
  });
  return [
    `From ${from} to ${to}: ${nats(total)} per token ${rest}. Above zero: the loss rises.`,
    `What each change adds, ${ordersInWords(blame)}:`,
    ...lines,
    ...(idle.length > 0 ? [`Without effect between these models: ${idle.join(", ")}.`] : []),
    `${models.length} models were trained with each seed; ${ratesInWords(blame)}.`,
    ...(seeds.length > 1
      ? ["The intervals are by Student's t over the seeds, and all of them hold together in 95 of 100 cases."]
      : []),
    ...diverged.map(({ seed, models }) => `Seed ${seed} is left out, because ${models.join(", ")} diverged.`),
    "",
    ...models.map(({ name, losses, choice }) => {
      const known = losses.filter((loss) => loss !== null), all = known.map((loss) => fixed(loss, 4)).join(", ");
      return `  ${name}: ${known.length > 0 ? `${fixed(mean(known), 4)} (${all})` : "diverged"}${
        choice ? `; ${pointInWords(choice)}` : ""
      }`;
    }),
    "",
  ].join("\n");
}
