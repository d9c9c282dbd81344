/** Whether models differ on the same tokens: intervals of differences that allow for other text, other seeds and their number. */
import { HymbaError } from "../errors.ts";
import { at } from "../lists.ts";
import { fillNormal, fillUniform, permutation, STREAMS } from "../random.ts";
import { studentQuantile } from "../student.ts";
import { type Contrast, type Estimate, estimate, type Layout, ofTable } from "./contrast.ts";
import { type BlockMeans, blockMeans } from "./text_blocks.ts";

type Interval = readonly [low: number, high: number];

/** A difference in nats per token, its 95 % intervals, and what they rest on. */
export interface Comparison {
  readonly mean: number;
  /** All intervals of a family hold their true values together in 95 of 100 cases, also that of a model chosen for its loss. */
  readonly interval: Interval;
  /** The interval of this comparison if it had been the only one. */
  readonly alone: Interval;
  /** Pairs of trainings. */
  readonly seeds: number;
  /** Degrees of freedom of the seeds' scatter; 0 with one seed. */
  readonly freedom: number;
  /** Stretches of text that were drawn. */
  readonly blocks: number;
  /** Standard error by the scatter of the seeds, and that of the text which comes on top. */
  readonly seedError: number;
  readonly textError: number;
}

/** Whether the interval leaves out zero. */
export const differs = ({ interval: [low, high] }: Pick<Comparison, "interval">): boolean => low > 0 || high < 0;

/** Draws of the text, and of the seeds for the intervals of a whole family. */
const RESAMPLES = 2000, FAMILY_DRAWS = 8192;
const LEVEL = 0.975, NORMAL = 1.959963984540054;

/** Which stretches each resample of a text draws, [RESAMPLES, blocks] counts: the same for every comparison. */
const drawn = new Map<number, Uint16Array>();

function drawsOf(blocks: number): Uint16Array {
  const known = drawn.get(blocks);
  if (known) return known;
  const counts = new Uint16Array(RESAMPLES * blocks), uniforms = new Float32Array(blocks);
  for (let step = 0; step < RESAMPLES; step++) {
    fillUniform(uniforms, { seed: 1, stream: STREAMS.bootstrap, step });
    // A number just below 1 may become 1 in 32 bits.
    for (const x of uniforms) counts[step * blocks + Math.min(blocks - 1, Math.floor(x * blocks))]!++;
  }
  drawn.set(blocks, counts);
  return counts;
}

const students = new Map<number, Float64Array>();

/** One number of Student's t distribution for each resample, in random order: its quantiles in even steps. */
function studentDraws(freedom: number): Float64Array {
  const known = students.get(freedom);
  if (known) return known;
  const order = permutation(RESAMPLES, { seed: 3, stream: STREAMS.bootstrap, step: freedom });
  const draws = Float64Array.from(order, (i) => studentQuantile((i + 0.5) / RESAMPLES, freedom));
  students.set(freedom, draws);
  return draws;
}

/**
 * How far the text moves a difference in each resample. With few stretches a bootstrap moves too little, as the variance of few
 * numbers about their own mean is too small. So its ends are moved to where Student's t puts them.
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

/** The number that a share of the sorted numbers lies below, between two of them by a straight line. */
function quantileOf(sorted: Float64Array, share: number): number {
  const place = share * sorted.length - 0.5, low = Math.floor(place);
  return at(sorted, low) + (place - low) * (at(sorted, low + 1) - at(sorted, low));
}

/** A comparison by itself, with what the intervals of a family need. */
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
  // Each t is used with both signs, so that b − a has the ends of a − b.
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

/** The normal numbers of the last families, [FAMILY_DRAWS, arms, seeds] for each question: most families have one shape. */
const noises = new Map<number, { arms: number; seeds: number; all: Float32Array }>();

function noiseOf(question: number, { arms, seeds }: { arms: number; seeds: number }): Float32Array {
  const known = noises.get(question);
  if (known?.arms === arms && known.seeds === seeds) return known.all;
  const counter = { seed: 4, stream: STREAMS.bootstrap, step: question };
  const all = fillNormal(new Float32Array(FAMILY_DRAWS * arms * seeds), counter);
  noises.set(question, { arms, seeds, all });
  return all;
}

/** A group of comparisons of one text or one kind of tokens. */
interface Group {
  readonly arms: readonly string[];
  readonly singles: readonly (Single | undefined)[];
}

/** A function that says how far, in units of its own interval, the worst comparison of a draw lies from the truth. */
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

/** By how much the intervals of a family have to be wider than they are alone, so that all hold together in 95 of 100 cases. */
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

/** Contrasts of the trainings of one text or one kind of tokens. */
export interface Questions {
  readonly means: BlockMeans;
  readonly contrasts: readonly Contrast[];
}

/**
 * Answers all questions of a family, one list for each entry, undefined where arms share no seed. Stretches of text are drawn with
 * replacement, the same ones for all. With several seeds the mean moves too, by Student's t with the seeds' scatter: drawing from
 * three seeds would make intervals far too narrow. With one seed an interval holds for these trained models and says nothing of
 * other trainings. `interval` holds for the family together (a joint max-t: the worst of all comparisons, in draws of text and
 * of normal seeds, sets one factor for all). More than two stretches and one seed need `loadStudent`.
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
