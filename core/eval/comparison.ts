/**
 * Compares models on the same tokens: differences of losses, with intervals that account for text, seeds and the number of
 * comparisons.
 */
import { HymbaError } from "../errors.ts";
import { at } from "../lists.ts";
import { fillNormal, fillUniform, permutation, STREAMS } from "../random.ts";
import { studentQuantile } from "../student.ts";
import { type Contrast, type Estimate, estimate, type Layout, ofTable } from "./contrast.ts";
import { type BlockMeans, blockMeans } from "./text_blocks.ts";

type Interval = readonly [low: number, high: number];

/** A difference in nats per token, its 95 % intervals, and the data behind them. */
export interface Comparison {
  readonly mean: number;
  /**
   * The simultaneous interval: in 95 of 100 cases all intervals of a family contain their true values. So it is also valid for
   * a model that was chosen for its loss.
   */
  readonly interval: Interval;
  /** The interval of this comparison alone. */
  readonly alone: Interval;
  /** Pairs of trainings. */
  readonly seeds: number;
  /** Degrees of freedom of the variance between seeds; 0 with one seed. */
  readonly freedom: number;
  /** Number of blocks of text in the bootstrap. */
  readonly blocks: number;
  /** Standard error from the variance between seeds, and the additional standard error from the text. */
  readonly seedError: number;
  readonly textError: number;
}

/** Whether the interval excludes zero. */
export const differs = ({ interval: [low, high] }: Pick<Comparison, "interval">): boolean => low > 0 || high < 0;

/** Bootstrap resamples of the text, and draws for the intervals of a family. */
const RESAMPLES = 2000, FAMILY_DRAWS = 8192;
const LEVEL = 0.975, NORMAL = 1.959963984540054;

/** How often each resample draws each block, [RESAMPLES, blocks]. It is the same for every comparison. */
const drawn = new Map<number, Uint16Array>();

function drawsOf(blocks: number): Uint16Array {
  const known = drawn.get(blocks);
  if (known) return known;
  const counts = new Uint16Array(RESAMPLES * blocks), uniforms = new Float32Array(blocks);
  for (let step = 0; step < RESAMPLES; step++) {
    fillUniform(uniforms, { seed: 1, stream: STREAMS.bootstrap, step });
    // A number just below 1 can round to 1 in 32 bits.
    for (const x of uniforms) counts[step * blocks + Math.min(blocks - 1, Math.floor(x * blocks))]!++;
  }
  drawn.set(blocks, counts);
  return counts;
}

const students = new Map<number, Float64Array>();

/** One draw of Student's t distribution for each resample: its quantiles in even steps, in random order. */
function studentDraws(freedom: number): Float64Array {
  const known = students.get(freedom);
  if (known) return known;
  const order = permutation(RESAMPLES, { seed: 3, stream: STREAMS.bootstrap, step: freedom });
  const draws = Float64Array.from(order, (i) => studentQuantile((i + 0.5) / RESAMPLES, freedom));
  students.set(freedom, draws);
  return draws;
}

/**
 * The change of a difference in each resample of the text. With a small number of blocks the bootstrap underestimates the
 * variance, because the squares are taken about the blocks' own mean. So all changes are scaled: their interval becomes that
 * of Student's t.
 */
function textMoves({ byBlock, mean, textScale }: Estimate): Float64Array {
  const B = byBlock.length, counts = drawsOf(B), moves = new Float64Array(RESAMPLES);
  const wider = textScale * Math.sqrt(B / (B - 1)) * studentQuantile(LEVEL, B - 1) / NORMAL;
  for (let i = 0; i < RESAMPLES; i++) {
    let sum = 0;
    for (let b = 0; b < B; b++) sum += counts[i * B + b]! * byBlock[b]!;
    moves[i] = wider * (sum / B - mean);
  }
  return moves;
}

/** A quantile of sorted numbers, by linear interpolation. */
function quantileOf(sorted: Float64Array, share: number): number {
  const place = share * sorted.length - 0.5, low = Math.floor(place);
  return at(sorted, low) + (place - low) * (at(sorted, low + 1) - at(sorted, low));
}

/** A comparison alone, with the values that the intervals of a family need. */
interface Single {
  readonly found: Estimate & Layout & { readonly arms: readonly string[] };
  readonly moves: Float64Array;
  /** Distances of the ends of the interval from the mean. */
  readonly below: number;
  readonly above: number;
}

function singleOf(means: BlockMeans, contrast: Contrast): Single | undefined {
  const found = estimate(means, contrast);
  if (!found) return undefined;
  const moves = textMoves(found), noise = found.freedom > 0 ? studentDraws(found.freedom) : undefined;
  // Each t is used with both signs, so that b − a has the same interval as a − b with the sign changed.
  const ends = noise
    ? Float64Array.from({ length: 2 * RESAMPLES }, (_, i) => {
      const draw = i >> 1, sign = i % 2 === 0 ? 1 : -1;
      return moves[draw]! + sign * found.seedError * noise[draw]!;
    })
    : Float64Array.from(moves);
  ends.sort();
  const end = (share: number) => quantileOf(ends, share);
  const arms = Object.keys(contrast).filter((arm) => contrast[arm] !== 0);
  return { found: { ...found, arms }, moves, below: -end(1 - LEVEL), above: end(LEVEL) };
}

/**
 * A cache of normal random numbers, [FAMILY_DRAWS, arms, seeds] for each question, because most families have the same shape.
 */
const noises = new Map<number, { arms: number; seeds: number; all: Float32Array }>();

function noiseOf(question: number, { arms, seeds }: { arms: number; seeds: number }): Float32Array {
  const known = noises.get(question);
  if (known?.arms === arms && known.seeds === seeds) return known.all;
  const counter = { seed: 4, stream: STREAMS.bootstrap, step: question };
  const all = fillNormal(new Float32Array(FAMILY_DRAWS * arms * seeds), counter);
  noises.set(question, { arms, seeds, all });
  return all;
}

/** The comparisons on one text or one kind of tokens. */
interface Group {
  readonly arms: readonly string[];
  readonly singles: readonly (Single | undefined)[];
}

/** A function of the draw: the largest error of any comparison, in units of the half-width of its own interval. */
function worstOf({ arms, singles }: Group, question: number): (draw: number) => number {
  const seeds = Math.max(1, ...singles.map((single) => single?.found.seeds ?? 1)), A = arms.length;
  const noise = seeds > 1 ? noiseOf(question, { arms: A, seeds }) : undefined;
  const asked = singles.flatMap((single) =>
    single ? [{ ...single, places: single.found.arms.map((arm) => arms.indexOf(arm)) }] : []
  );
  return (draw) => {
    let worst = 0;
    const rows = noise ? arms.map((_, a) => noise.subarray((draw * A + a) * seeds, (draw * A + a + 1) * seeds)) : [];
    for (const { found, moves, below, above, places } of asked) {
      let move = moves[draw % RESAMPLES]!;
      if (noise && found.freedom > 0) {
        const { mean, error } = ofTable(places.map((arm) => at(rows, arm)), found);
        move += found.seedError * mean / error;
      }
      const room = move > 0 ? above : below;
      if (room > 0) worst = Math.max(worst, Math.abs(move) / room);
    }
    return worst;
  };
}

/**
 * The factor by which the intervals of a family are wider than alone, so that in 95 of 100 cases all of them contain their
 * true values.
 */
function widening(groups: readonly Group[]): number {
  const count = groups.reduce((sum, { singles }) => sum + singles.filter((single) => single).length, 0);
  if (count < 2) return 1;
  const ofGroups = groups.map(worstOf);
  const worst = Float64Array.from({ length: FAMILY_DRAWS }, (_, draw) => Math.max(...ofGroups.map((of) => of(draw))))
    .sort();
  return Math.max(1, at(worst, Math.ceil(0.95 * FAMILY_DRAWS) - 1));
}

const comparisonOf = ({ found, below, above }: Single, wider: number): Comparison => {
  const { mean, seeds, freedom, byBlock, seedError, textError } = found;
  return {
    mean,
    interval: [mean - wider * below, mean + wider * above],
    alone: [mean - below, mean + above],
    seeds,
    freedom,
    blocks: byBlock.length,
    seedError,
    textError,
  };
};

/** Contrasts between trainings, on one text or one kind of tokens. */
export interface Questions {
  readonly means: BlockMeans;
  readonly contrasts: readonly Contrast[];
}

/**
 * Answers all questions of a family: one list for each entry, undefined if the arms have no common seed. Blocks of text are
 * drawn with replacement, the same ones for all comparisons. With several seeds, Student's t with the variance between seeds
 * is added, because resampling three seeds would make intervals far too narrow. With one seed an interval is valid only for
 * these trained models. `interval` is simultaneous (max-t: one factor for all comparisons, from the largest error in joint
 * draws of text and seeds). More than two blocks and one seed need `loadStudent`.
 */
export function compareFamily(questions: readonly Questions[]): (Comparison | undefined)[][] {
  const groups = questions.map(({ means, contrasts }): Group => ({
    arms: means.arms,
    singles: contrasts.map((contrast) => singleOf(means, contrast)),
  }));
  const wider = widening(groups);
  return groups.map(({ singles }) => singles.map((single) => single && comparisonOf(single, wider)));
}

/** Losses (nats) of the same tokens by two models that were trained on the same batches. */
export interface PairedLosses {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Compares two models on the same tokens, one pair of losses for each seed. Throws a HymbaError when the tokens differ. */
export function compareLosses(pairs: readonly PairedLosses[], { blocks }: { blocks: number }): Comparison {
  const trainings = pairs.flatMap(({ a, b }, seed) => [{ arm: "a", seed, nats: a }, { arm: "b", seed, nats: b }]);
  const means = blockMeans(trainings, { blocks }), found = compareFamily([{ means, contrasts: [{ a: 1, b: -1 }] }]);
  const comparison = found[0]?.[0];
  if (comparison) return comparison;
  throw new HymbaError("comparison: there are no losses");
}
