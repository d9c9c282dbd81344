/** The loss by kind of token: means of every arm, and differences from one arm with intervals. */
import { compareFamily, type Comparison } from "../eval/comparison.ts";
import { blockMeans, blocksOf } from "../eval/text_blocks.ts";
import { type KindGroup, meanOfKind, whereIs } from "../eval/token_kinds.ts";
import { HymbaError, quoted, UsageError } from "../errors.ts";
import type { Run, StageName } from "../record/mod.ts";
import { AFTER, footerOf, oneLine } from "./caption.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { drawLegend } from "./chart/legend.ts";
import { differencePlot } from "./comparison_chart.ts";
import { csvText } from "./csv.ts";
import { fixed, percent } from "./format.ts";
import { looks } from "./palette.ts";
import { asDifference, type Difference, lastStageOf, marginNote, marginOf, standingOf } from "./statistics.ts";
import type { Column } from "./text_table.ts";
import { meantHint } from "../nearest.ts";

/** One kind of tokens with the losses of the arms. */
export interface Slice {
  readonly group: string;
  readonly kind: string;
  readonly tokens: number;
  /** Share of all tokens. */
  readonly share: number;
  readonly arms: readonly {
    readonly name: string;
    /** Mean over tokens and seeds, nats per token. */
    readonly loss: number;
    /** Loss minus that of the reference arm; undefined for the reference itself. */
    readonly difference?: Difference;
  }[];
}

/** The results of `hymba slices`. */
export interface SliceReport {
  readonly stage: StageName;
  readonly against: string;
  readonly slices: readonly Slice[];
  /** Number of simultaneous intervals. */
  readonly together: number;
}

/** A kind needs at least this many tokens. With fewer, its means are too noisy and some blocks are empty. */
const LEAST_TOKENS = 50;

function armsOf(run: Run, stage: StageName): string[] {
  const kept = new Set(run.tokenLosses.filter((one) => one.stage === stage).map(({ arm }) => arm));
  const names = run.record.study.arms.map(({ name }) => name).filter((name) => kept.has(name));
  if (names.length > 0) return names;
  throw new HymbaError(`the run has no losses of single tokens after stage ${stage}`, {
    expected: "arms/NAME-SEED/losses-STAGE.safetensors, which a study writes when a stage ends",
  });
}

/** The reference arm: the requested one, else the first of the study. */
function reference(names: readonly string[], against: string | undefined): string {
  const found = against ?? names[0];
  if (found !== undefined && names.includes(found)) return found;
  throw new UsageError(`the run has no model ${quoted(against ?? "")} with losses of tokens`, {
    expected: names.join(", "),
    hint: meantHint(against ?? "", names),
  });
}

/** Compares all arms with one of them on every kind of tokens. The intervals are simultaneous. */
export function sliceReport(
  run: Run,
  groups: readonly KindGroup[],
  { against, stage = lastStageOf(run) }: { against?: string; stage?: StageName } = {},
): SliceReport {
  const names = armsOf(run, stage), base = reference(names, against), others = names.filter((name) => name !== base);
  const kept = run.tokenLosses.filter((one) => one.stage === stage), tokens = kept[0]?.nats.length ?? 0;
  requireTokens(groups, tokens);
  const blocks = blocksOf(tokens, run.record.study.sequenceLength);
  const kinds = groups.flatMap((group) =>
    group.kinds.map((kind, i) => ({ group: group.title, kind, where: whereIs(group, i) }))
  ).map((one) => ({ ...one, count: one.where.reduce((sum, x) => sum + x, 0) })).filter(({ count }) =>
    count >= Math.min(LEAST_TOKENS, tokens / 2)
  );
  const contrasts = others.map((name) => ({ [name]: 1, [base]: -1 }));
  const found = compareFamily(kinds.map(({ where }) => ({ means: blockMeans(kept, { blocks, where }), contrasts })));
  return {
    stage,
    against: base,
    together: found.flat().filter((one) => one).length,
    slices: kinds.map(({ group, kind, where, count }, k) => ({
      group,
      kind,
      tokens: count,
      share: count / tokens,
      arms: names.map((name) => ({
        name,
        loss: armLoss(run, { name, stage, where }),
        ...differenceIn(found[k]?.[others.indexOf(name)]),
      })),
    })),
  };
}

const differenceIn = (comparison: Comparison | undefined) => comparison ? { difference: asDifference(comparison) } : {};

function requireTokens(groups: readonly KindGroup[], tokens: number): void {
  for (const { codes } of groups) {
    if (codes.length === tokens) continue;
    throw new HymbaError("the losses are not of these tokens", { expected: `${codes.length}`, got: `${tokens}` });
  }
}

function armLoss(
  run: Run,
  { name, stage, where }: { name: string; stage: StageName; where: Uint8Array },
): number {
  const own = run.tokenLosses.filter((one) => one.stage === stage && one.arm === name);
  return own.reduce((sum, { nats }) => sum + (meanOfKind(nats, where) ?? NaN), 0) / own.length;
}

/** slices.csv: one row for each kind of tokens and arm. */
export function slicesCsv(run: Run, { slices, against, stage }: SliceReport): string {
  const head =
      ("kinds,kind,tokens,share,stage,model,loss_nats,against,difference_nats,low_nats,high_nats,alone_low_nats," +
        "alone_high_nats,seeds,blocks,margin_nats,finding").split(","),
    margin = marginOf(run);
  const rows = slices.flatMap(({ group, kind, tokens, share, arms }) =>
    arms.map(({ name, loss, difference }) => {
      const first = [group, kind, tokens, share, stage, name, loss];
      if (!difference) return first;
      const { mean, interval, alone, pairs, blocks } = difference, ends = [interval?.[0], interval?.[1]];
      return [
        ...first,
        against,
        mean,
        ...ends,
        alone?.[0],
        alone?.[1],
        pairs,
        blocks,
        margin,
        standingOf(difference, margin),
      ];
    })
  );
  return csvText([head, ...rows.map((row) => [...row, ...Array(head.length - row.length).fill(undefined)])]);
}

/** The table as columns and rows: the mean loss of each arm on each kind. */
export function slicesTable({ slices, against }: SliceReport): { columns: Column[]; rows: string[][] } {
  const names = slices[0]?.arms.map(({ name }) => name) ?? [];
  return {
    columns: [
      { name: "kind of token", align: "left" },
      { name: "share", unit: "of tokens" },
      ...names.flatMap((name) => [
        { name: oneLine(name), unit: "nats/token" },
        ...(name === against ? [] : [{ name: `− ${oneLine(against)}`, unit: "95 % together" }]),
      ]),
    ],
    rows: slices.map(({ group, kind, share, arms }) => [
      `${group}: ${kind}`,
      percent(share),
      ...arms.flatMap(({ loss, difference }) => [fixed(loss, 3), ...(difference ? [inRange(difference)] : [])]),
    ]),
  };
}

const inRange = ({ mean, interval }: Difference): string =>
  interval ? `${fixed(mean, 3)} (${fixed(interval[0], 3)} to ${fixed(interval[1], 3)})` : fixed(mean, 3);

/** Explains the intervals. */
export function slicesNote(run: Run, { slices, together }: SliceReport): string {
  const [first] = slices[0]?.arms.flatMap(({ difference }) => difference ?? []) ?? [];
  const seeds = first?.pairs ?? 1;
  return `A model sees only its own sequence of ${run.record.study.sequenceLength} tokens, and "seen" means seen there.` +
    (first === undefined
      ? ""
      : ` Intervals of 95 %, wide enough that all ${together} hold together, ${
        seeds === 1
          ? "over the text alone: one seed says nothing of other trainings"
          : `over the text and, by Student's t, ${seeds} seeds`
      }. ${marginNote(run)}`);
}

/** slices.png: the difference of each arm from the reference on every kind. Throws a HymbaError for a single arm. */
export function slicesChart(run: Run, report: SliceReport): Promise<Uint8Array> {
  const { slices, against, stage } = report, all = slices[0]?.arms.map(({ name }) => name) ?? [];
  const others = all.filter((name) => name !== against), look = looks(run.record.study.arms.map(({ name }) => name));
  if (others.length === 0) throw new HymbaError("the run has no two models to compare");
  const cells = others.map((name): Cell => {
    const rows = slices.flatMap(({ group, kind, arms }) => {
      const difference = arms.find((arm) => arm.name === name)?.difference;
      return difference ? [{ words: `${SHORT[group] ?? group}: ${kind}`, difference }] : [];
    });
    const axis = { names: rows.map(({ words }) => words), looks: rows.map(() => look(name)) };
    const how = { title: "nats per token", margin: marginOf(run) };
    return {
      title: `${oneLine(name)} − ${oneLine(against)}`,
      subtitle: "below zero: less surprised",
      plot: differencePlot(axis, rows.map(({ difference }) => difference), how),
    };
  });
  return drawSheet({
    title: "Loss by kind of token",
    subtitle: `${AFTER[stage]}, differences on the same validation tokens`,
    footer: footerOf(run),
    columns: 2,
    cells: [...cells, legendOf(slicesNote(run, report))],
    cellHeight: 130 + 34 * slices.length,
    legendWidth: cells.length === 1 ? 320 : undefined,
  });
}

const legendOf = (note: string): Cell => ({
  title: "Legend",
  paint: (brush, box) =>
    drawLegend(brush, box, {
      axis: { names: [], looks: [] },
      keys: [
        { sample: "filled", text: "a difference beyond noise" },
        { sample: "hollow", text: "undecided" },
        { sample: "tick", text: "equal within the margin" },
        { sample: "dashed", text: "zero, and the margin on both sides" },
      ],
      notes: [note],
    }),
});

/** Titles of groups in the figure. */
const SHORT: Readonly<Record<string, string>> = {
  "the pair of this token and the one before it": "pair",
  "distance from the last same token": "same token",
  "place in the sequence": "place",
  "how often the token is trained on": "token",
};
