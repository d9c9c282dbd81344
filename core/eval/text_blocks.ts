/** Mean losses of long blocks of text. The bootstrap draws these blocks. */
import { HymbaError } from "../errors.ts";
import { at } from "../lists.ts";

/** The losses (nats) of one training. All trainings that are compared have the same tokens in the same order. */
export interface Training {
  readonly arm: string;
  readonly seed: number;
  readonly nats: Float32Array;
}

/**
 * Most blocks of a text. More blocks would be shorter, and a scene of a play would be in several of them (docs/decisions.md).
 */
const MOST_BLOCKS = 20;

/** Least number of sequences in a block. */
const LEAST_SEQUENCES = 2;

/** The number of blocks of a text: at most 20, each at least two sequences long, but never fewer than two blocks. */
export const blocksOf = (tokens: number, sequenceLength: number): number =>
  Math.max(2, Math.min(MOST_BLOCKS, Math.floor(tokens / (LEAST_SEQUENCES * sequenceLength))));

/** The block means of all trainings. */
export interface BlockMeans {
  readonly blocks: number;
  readonly arms: readonly string[];
  /** Seeds that every one of these arms was trained with. */
  seedsOf(arms: readonly string[]): number[];
  /** Block means of a training, [blocks]. Their mean is its mean loss. */
  of(arm: string, seed: number): Float64Array;
}

/** Sums over the tokens of each block, or over those where `where` is 1. */
function sumsOf(nats: Float32Array, { blocks, where }: { blocks: number; where?: Uint8Array }) {
  const sums = new Float64Array(blocks), counts = new Float64Array(blocks);
  for (let b = 0; b < blocks; b++) {
    const end = Math.floor((b + 1) * nats.length / blocks);
    for (let i = Math.floor(b * nats.length / blocks); i < end; i++) {
      if (where && where[i] !== 1) continue;
      sums[b]! += nats[i]!;
      counts[b]!++;
    }
  }
  return { sums, counts };
}

/**
 * Block means, weighted so that a block with more tokens has more influence on the mean of all blocks, as it has in the text:
 * mean + (sum − mean · count) · blocks / tokens.
 */
function meansOf(nats: Float32Array, how: { blocks: number; where?: Uint8Array }): Float64Array {
  const { sums, counts } = sumsOf(nats, how);
  let sum = 0, count = 0;
  for (let b = 0; b < sums.length; b++) {
    sum += sums[b]!;
    count += counts[b]!;
  }
  if (count === 0) throw new HymbaError("comparison: there are no losses");
  return sums.map((one, b) => sum / count + (one - sum / count * counts[b]!) * sums.length / count);
}

/**
 * Cuts the losses into `blocks` blocks. With `where`, [tokens], only tokens where it is 1 count. Throws a HymbaError when the
 * trainings do not have the same tokens, or none counts.
 */
export function blockMeans(
  trainings: readonly Training[],
  how: { blocks: number; where?: Uint8Array },
): BlockMeans {
  const tokens = trainings[0]?.nats.length ?? 0, byArm = new Map<string, Map<number, Float64Array>>();
  for (const { arm, seed, nats } of trainings) {
    if (nats.length !== tokens || how.where && how.where.length !== tokens) {
      throw new HymbaError("comparison: the losses are not of the same tokens", {
        expected: `${tokens} of ${arm}, seed ${seed}`,
        got: `${nats.length}`,
      });
    }
    const seeds = byArm.get(arm) ?? new Map<number, Float64Array>();
    byArm.set(arm, seeds.set(seed, meansOf(nats, how)));
  }
  const seedsOf = (arms: readonly string[]) =>
    [...byArm.get(at(arms, 0))?.keys() ?? []].filter((seed) => arms.every((arm) => byArm.get(arm)?.has(seed)));
  return {
    blocks: how.blocks,
    arms: [...byArm.keys()],
    seedsOf,
    of: (arm, seed) => {
      const found = byArm.get(arm)?.get(seed);
      if (!found) throw new HymbaError(`comparison: ${arm} has no losses with seed ${seed}`);
      return found;
    },
  };
}
