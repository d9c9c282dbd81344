/** All segmentations of one word at a time: expected piece counts (forward and backward sums) and best paths. */
import { leadLength } from "../bytes.ts";
import { unitOffset } from "../double_array.ts";
import type { Lexicon } from "./lexicon.ts";
import { LARGE, Sums } from "./sums.ts";

/** Sums above this are computed without exponents. Their products and quotients stay in the range of a double. */
const LEAST = 2 ** -960;

/** The lattice of one word; its arrays are reused for the next. Every character of a word must be a piece. */
export class Lattice {
  readonly #lexicon: Lexicon;
  readonly #probabilities: Float64Array;
  #edges = 0;
  #from = new Int32Array(256);
  #to = new Int32Array(256);
  #piece = new Int32Array(256);
  readonly #forward = new Sums();
  readonly #backward = new Sums();
  #best = new Float64Array(64);
  #previous = new Int32Array(64);

  constructor(lexicon: Lexicon) {
    this.#lexicon = lexicon;
    this.#probabilities = lexicon.scores.map(Math.exp);
  }

  /** Finds every piece in `bytes[begin]` up to `bytes[end]`, except the piece `without`. */
  read(bytes: Uint8Array, { begin, end, without = -1 }: { begin: number; end: number; without?: number }): void {
    const { trie, scores } = this.#lexicon, root = unitOffset(trie[0]!);
    this.#fit(end - begin + 1);
    this.#edges = 0;
    for (let start = begin; start < end;) {
      let node = root;
      for (let i = start; i < end;) {
        const byte = bytes[i]!;
        node ^= byte;
        const unit = trie[node]!;
        if ((unit & 0x800000ff) !== byte) break;
        node ^= unitOffset(unit);
        i++;
        if ((unit & 0x100) === 0) continue;
        const piece = trie[node]! & 0x7fffffff;
        if (scores[piece] === -Infinity || piece === without) continue;
        this.#add(start - begin, { to: i - begin, piece });
      }
      start += leadLength(bytes[start]!);
    }
  }

  #add(from: number, { to, piece }: { to: number; piece: number }): void {
    if (this.#edges === this.#from.length) {
      const grow = (array: Int32Array<ArrayBuffer>) => {
        const grown = new Int32Array(2 * array.length);
        grown.set(array);
        return grown;
      };
      this.#from = grow(this.#from);
      this.#to = grow(this.#to);
      this.#piece = grow(this.#piece);
    }
    this.#from[this.#edges] = from;
    this.#to[this.#edges] = to;
    this.#piece[this.#edges++] = piece;
  }

  #fit(positions: number): void {
    this.#forward.fit(positions);
    this.#backward.fit(positions);
    if (positions <= this.#best.length) return;
    this.#best = new Float64Array(2 * positions);
    this.#previous = new Int32Array(2 * positions);
  }

  /**
   * Adds `count` times the expected number of each piece in the word of `length` bytes to `expected`.
   * Returns the natural logarithm of the word's probability, the sum over all its segmentations.
   */
  expect(expected: Float64Array, { length, count }: { length: number; count: number }): number {
    if (!this.#sumForward(length)) return this.#expectLong(expected, { length, count });
    this.#sumBackward(length);
    const forward = this.#forward.values, backward = this.#backward.values, total = forward[length]!;
    for (let edge = 0; edge < this.#edges; edge++) {
      const piece = this.#piece[edge]!, from = this.#from[edge]!, to = this.#to[edge]!;
      expected[piece]! += count * (forward[from]! * this.#probabilities[piece]! * (backward[to]! / total));
    }
    return Math.log(total);
  }

  /** Sums over all paths from the start. Stops and returns false when a sum is too small. */
  #sumForward(length: number): boolean {
    const sums = this.#forward.values;
    sums.fill(0, 0, length + 1);
    sums[0] = 1;
    for (let edge = 0; edge < this.#edges; edge++) {
      const from = this.#from[edge]!, sum = sums[from]!;
      if (sum < LEAST) return false;
      sums[this.#to[edge]!]! += sum * this.#probabilities[this.#piece[edge]!]!;
    }
    return sums[length]! >= LEAST;
  }

  #sumBackward(length: number): void {
    const sums = this.#backward.values;
    sums.fill(0, 0, length);
    sums[length] = 1;
    for (let edge = this.#edges - 1; edge >= 0; edge--) {
      sums[this.#from[edge]!]! += sums[this.#to[edge]!]! * this.#probabilities[this.#piece[edge]!]!;
    }
  }

  /** `expect` for a word whose sums would leave the range of a double. */
  #expectLong(expected: Float64Array, { length, count }: { length: number; count: number }): number {
    const { values: forward, exponents: before } = this.#sumLongForward(length);
    const { values: backward, exponents: after } = this.#sumLongBackward(length);
    const total = forward[length]!, exponent = before[length]!;
    for (let edge = 0; edge < this.#edges; edge++) {
      const piece = this.#piece[edge]!, from = this.#from[edge]!, to = this.#to[edge]!;
      const share = forward[from]! * this.#probabilities[piece]! * (backward[to]! / total);
      const steps = exponent - before[from]! - after[to]!;
      expected[piece]! += count * (steps === 0 ? share : share * LARGE ** steps);
    }
    return Math.log(total) - exponent * Math.log(LARGE);
  }

  #sumLongForward(length: number): Sums {
    const sums = this.#forward, { values, exponents } = sums;
    sums.start({ last: length, at: 0 });
    for (let edge = 0, at = -1; edge < this.#edges; edge++) {
      const from = this.#from[edge]!;
      if (from !== at) sums.settle(at = from);
      sums.add(this.#to[edge]!, values[from]! * this.#probabilities[this.#piece[edge]!]!, exponents[from]!);
    }
    sums.settle(length);
    return sums;
  }

  #sumLongBackward(length: number): Sums {
    const sums = this.#backward, { values, exponents } = sums;
    sums.start({ last: length, at: length });
    for (let edge = this.#edges - 1; edge >= 0;) {
      const from = this.#from[edge]!;
      for (; edge >= 0 && this.#from[edge] === from; edge--) {
        const to = this.#to[edge]!;
        sums.add(from, values[to]! * this.#probabilities[this.#piece[edge]!]!, exponents[to]!);
      }
      sums.settle(from);
    }
    return sums;
  }

  /** The best segmentation of the word of `length` bytes: its score and its pieces, last piece first. */
  best(length: number, path: number[]): number {
    const scores = this.#best, previous = this.#previous;
    scores.fill(-Infinity, 0, length + 1);
    scores[0] = 0;
    for (let edge = 0; edge < this.#edges; edge++) {
      const piece = this.#piece[edge]!, to = this.#to[edge]!;
      const score = scores[this.#from[edge]!]! + this.#lexicon.scores[piece]!;
      if (score > scores[to]!) {
        scores[to] = score;
        previous[to] = edge;
      }
    }
    path.length = 0;
    for (let at = length; at > 0; at = this.#from[previous[at]!]!) path.push(this.#piece[previous[at]!]!);
    return scores[length]!;
  }
}
