/**
 * All segmentations of one word at a time: expected piece counts (forward and backward sums) and best paths.
 *
 * Sums run over probabilities, not logarithms. A long word would leave the range of a double, so sums are rescaled by 2^512
 * whenever they become small, and each position remembers how often that happened.
 */
import { leadLength } from "../bytes.ts";
import { unitOffset } from "../double_array.ts";
import type { Lexicon } from "./lexicon.ts";

const SMALL = 2 ** -512, LARGE = 2 ** 512;

/** The lattice of one word; its arrays are reused for the next. Every character of a word must be a piece. */
export class Lattice {
  readonly #lexicon: Lexicon;
  readonly #probabilities: Float64Array;
  #edges = 0;
  #from = new Int32Array(256);
  #to = new Int32Array(256);
  #piece = new Int32Array(256);
  #forward = new Float64Array(64);
  #backward = new Float64Array(64);
  #forwardScale = new Int32Array(64);
  #backwardScale = new Int32Array(64);
  #previous = new Int32Array(64);

  constructor(lexicon: Lexicon) {
    this.#lexicon = lexicon;
    this.#probabilities = lexicon.scores.map(Math.exp);
  }

  /** Finds every piece in `bytes[begin]` up to `bytes[end]`; `without` is left out. */
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
      [this.#from, this.#to, this.#piece] = [grow(this.#from), grow(this.#to), grow(this.#piece)];
    }
    this.#from[this.#edges] = from;
    this.#to[this.#edges] = to;
    this.#piece[this.#edges++] = piece;
  }

  #fit(positions: number): void {
    if (positions <= this.#forward.length) return;
    const size = 2 * positions;
    this.#forward = new Float64Array(size);
    this.#backward = new Float64Array(size);
    this.#forwardScale = new Int32Array(size);
    this.#backwardScale = new Int32Array(size);
    this.#previous = new Int32Array(size);
  }

  /**
   * Adds `count` times the expected number of each piece in the word of `length` bytes to `expected`.
   * Returns the natural logarithm of the word's probability, the sum over all its segmentations.
   */
  expect(expected: Float64Array, { length, count }: { length: number; count: number }): number {
    this.#sumForward(length);
    this.#sumBackward(length);
    const total = this.#forward[length]!, scale = this.#forwardScale[length]!;
    for (let edge = 0; edge < this.#edges; edge++) {
      const piece = this.#piece[edge]!;
      const from = this.#from[edge]!, to = this.#to[edge]!;
      const share = this.#forward[from]! * this.#probabilities[piece]! * (this.#backward[to]! / total);
      const exponent = scale - this.#forwardScale[from]! - this.#backwardScale[to]!;
      expected[piece]! += count * (exponent === 0 ? share : share * LARGE ** exponent);
    }
    return Math.log(total) - scale * Math.log(LARGE);
  }

  #sumForward(length: number): void {
    const sums = this.#forward, scales = this.#forwardScale;
    sums.fill(0, 0, length + 1);
    sums[0] = 1;
    let scale = 0, reached = 0, at = -1;
    for (let edge = 0; edge < this.#edges; edge++) {
      const from = this.#from[edge]!, to = this.#to[edge]!;
      if (from !== at) {
        at = from;
        if (sums[at]! < SMALL) {
          scale++;
          for (let i = at; i <= reached; i++) sums[i]! *= LARGE;
        }
        scales[at] = scale;
      }
      sums[to]! += sums[from]! * this.#probabilities[this.#piece[edge]!]!;
      if (to > reached) reached = to;
    }
    scales[length] = scale;
  }

  #sumBackward(length: number): void {
    const sums = this.#backward, scales = this.#backwardScale;
    sums.fill(0, 0, length + 1);
    sums[length] = 1;
    scales[length] = 0;
    let scale = 0;
    for (let edge = this.#edges - 1; edge >= 0;) {
      const from = this.#from[edge]!;
      let sum = 0;
      for (; edge >= 0 && this.#from[edge] === from; edge--) {
        const to = this.#to[edge]!, behind = scale - scales[to]!;
        const after = behind === 0 ? sums[to]! : sums[to]! * LARGE ** behind;
        sum += after * this.#probabilities[this.#piece[edge]!]!;
      }
      if (sum < SMALL) {
        sum *= LARGE;
        scale++;
      }
      sums[from] = sum;
      scales[from] = scale;
    }
  }

  /** The best segmentation of the word of `length` bytes: its score and its pieces, last piece first. */
  best(length: number, path: number[]): number {
    const scores = this.#forward, previous = this.#previous;
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
