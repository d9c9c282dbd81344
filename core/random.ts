/**
 * Counter-based random numbers: Philox 4x32-10. A draw is a pure function of (seed, stream, step, index), so there is no
 * generator state to save, and a resumed run draws what the straight run drew.
 * Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
import { at } from "./lists.ts";

/** Names of the independent streams; the number is part of every draw. Never renumber: it would change every run. */
export const STREAMS = {
  init: 1,
  batches: 2,
  sampling: 3,
  preference: 4,
  bootstrap: 5,
  probe: 6,
  tokenizer: 7,
} as const;

/** One counter: who draws (seed, stream) and when (step). `index` counts the numbers drawn there. */
export interface Counter {
  /** The run's seed. */
  seed: number;
  /** The purpose of the draws: each purpose has its own number. */
  stream: number;
  /** The step, sequence or text of the draws. */
  step: number;
}

const M0 = 0xd2511f53, M1 = 0xcd9e8d57, W0 = 0x9e3779b9, W1 = 0xbb67ae85;

function mulHigh(a: number, b: number): number {
  const aHigh = a >>> 16, aLow = a & 0xffff, bHigh = b >>> 16, bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** Philox 4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): Uint32Array {
  let c0 = counter[0] >>> 0, c1 = counter[1] >>> 0, c2 = counter[2] >>> 0, c3 = counter[3] >>> 0;
  let k0 = key[0] >>> 0, k1 = key[1] >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0), low0 = Math.imul(M0, c0) >>> 0;
    const high1 = mulHigh(M1, c2), low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return Uint32Array.of(c0, c1, c2, c3);
}

/** The `index`-th block of four 32-bit words of a counter. */
function block({ seed, stream, step }: Counter, index: number): Uint32Array {
  return philox([index >>> 0, Math.floor(index / 2 ** 32), step >>> 0, stream], [
    seed >>> 0,
    Math.floor(seed / 2 ** 32),
  ]);
}

/** A uniform number in [0, 1) with 32 random bits. */
export function uniform(counter: Counter, index: number): number {
  return at(block(counter, Math.floor(index / 4)), index % 4) / 2 ** 32;
}

/** A whole number in [0, below). The bias is below / 2^32. */
export function randomInteger(counter: Counter, index: number, below: number): number {
  return Math.floor(uniform(counter, index) * below);
}

/** Fills `out` with uniform numbers in [low, high). */
export function fillUniform<T extends Float32Array>(out: T, counter: Counter, { low = 0, high = 1 } = {}): T {
  for (let i = 0; i < out.length; i += 4) {
    const words = block(counter, i / 4);
    for (let j = 0; j < 4 && i + j < out.length; j++) out[i + j] = low + (high - low) * (at(words, j) / 2 ** 32);
  }
  return out;
}

/** Fills `out` with normal numbers of the given standard deviation and mean zero (Box and Muller). */
export function fillNormal<T extends Float32Array>(out: T, counter: Counter, { deviation = 1 } = {}): T {
  for (let i = 0; i < out.length; i += 4) {
    const words = block(counter, i / 4);
    for (let j = 0; j < 4 && i + j < out.length; j++) {
      const pair = j & 2;
      const radius = Math.sqrt(-2 * Math.log((at(words, pair) + 1) / 2 ** 32));
      const angle = 2 * Math.PI * (at(words, pair + 1) / 2 ** 32);
      out[i + j] = deviation * radius * (j & 1 ? Math.sin(angle) : Math.cos(angle));
    }
  }
  return out;
}

/** A permutation of 0..length-1 (Fisher and Yates). */
export function permutation(length: number, counter: Counter): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = randomInteger(counter, i, i + 1);
    const kept = at(order, i);
    order[i] = at(order, j);
    order[j] = kept;
  }
  return order;
}

/** The longest order that is made at once: a longer one takes minutes and hundreds of megabytes. */
const MOST_ORDERED = 2 ** 22;
const FEISTEL_ROUNDS = 6;

/**
 * A random order of 0..length-1: the number at each place. Long orders are not made at once. Each of their places is computed by
 * itself, with a Feistel network over the next power of four that is applied again until the number is below `length`.
 * Source: Black and Rogaway, "Ciphers with arbitrary finite domains", 2002.
 */
export function orderOf(length: number, counter: Counter): (place: number) => number {
  if (length > MOST_ORDERED) return longOrder(length, counter);
  const order = permutation(length, counter);
  return (place) => at(order, place);
}

/** {@link orderOf} without a table, for any length above 0. */
export function longOrder(length: number, { seed, stream, step }: Counter): (place: number) => number {
  const bits = Math.max(1, Math.ceil(Math.log2(length) / 2)), base = 2 ** bits;
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32)] as const;
  const mixed = (place: number) => {
    let left = Math.floor(place / base), right = place % base;
    for (let round = 0; round < FEISTEL_ROUNDS; round++) {
      const word = at(philox([right, 2 ** 31 + round, step >>> 0, stream], key), 0) % base;
      const next = (left ^ word) >>> 0;
      left = right;
      right = next;
    }
    return left * base + right;
  };
  return (place) => {
    let found = mixed(place);
    while (found >= length) found = mixed(found);
    return found;
  };
}
