/**
 * All segmentations of a short text: the n best of them (A*), and random ones (forward filtering, backward sampling).
 * Source: SentencePiece, `unigram_model.cc` (`Lattice`); T. Kudo, "Subword Regularization", 2018.
 */
import { IdList, leadLength } from "./bytes.ts";
import { unitOffset } from "./double_array.ts";
import { Heap } from "./heap.ts";
import { PieceType, type Vocabulary } from "./vocabulary.ts";

/** A segmentation: its tokens by id and by bytes of normalised text, and the sum of its scores. */
export interface Segmentation {
  /** Ids of the pieces, in order. */
  ids: Uint32Array;
  /** Bytes of normalised text that each piece covers. */
  lengths: Uint32Array;
  /** Natural logarithm of the probability under the model. */
  score: number;
}

/** When so many partial segmentations wait, only the best are kept. */
const MOST_WAITING = 100_000, KEPT_WAITING = 512;
const START = 0;

/** The nodes of a lattice, in the order of SentencePiece: by start, then by length. Node 0 is the start of the text. */
export class Lattice {
  readonly #bytes: Uint8Array;
  readonly #vocabulary: Vocabulary;
  readonly #round: (x: number) => number;
  readonly #begin: number[] = [0];
  readonly #end: number[] = [0];
  readonly #id: number[] = [0];
  readonly #score: number[] = [0];
  /** The nodes that end at each byte. */
  readonly #ending: number[][];

  /** @param bytes Normalised text. */
  constructor(bytes: Uint8Array, vocabulary: Vocabulary) {
    this.#bytes = bytes;
    this.#vocabulary = vocabulary;
    this.#round = vocabulary.arithmetic === "float32" ? Math.fround : (x) => x;
    this.#ending = Array.from({ length: bytes.length + 1 }, () => []);
    this.#ending[0]!.push(START);
    this.#read();
  }

  #add(begin: number, { end, id, score }: { end: number; id: number; score: number }): void {
    this.#ending[end]!.push(this.#begin.length);
    this.#begin.push(begin);
    this.#end.push(end);
    this.#id.push(id);
    this.#score.push(this.#round(score));
  }

  #read(): void {
    const { trie, scores, pieces, maxScore, arithmetic, unknownId, unknownScore } = this.#vocabulary;
    const bytes = this.#bytes, root = trie.length > 0 ? unitOffset(trie[0]!) : 0;
    for (let begin = 0; begin < bytes.length;) {
      const next = Math.min(begin + leadLength(bytes[begin]!), bytes.length);
      let node = root, alone = false, characters = 0;
      for (let i = begin; i < bytes.length && trie.length > 0;) {
        if ((bytes[i]! & 0xc0) !== 0x80) characters++;
        node ^= bytes[i]!;
        const unit = trie[node]!;
        if ((unit & 0x800000ff) !== bytes[i]) break;
        node ^= unitOffset(unit);
        i++;
        if ((unit & 0x100) === 0) continue;
        const id = trie[node]! & 0x7fffffff;
        // Here SentencePiece counts characters, in the best segmentation bytes.
        const bonus = arithmetic === "float32" && pieces[id]!.type === PieceType.userDefined;
        this.#add(begin, { end: i, id, score: bonus ? Math.fround(characters * maxScore) - 0.1 : scores[id]! });
        if (i === next) alone = true;
      }
      if (!alone) this.#add(begin, { end: next, id: unknownId, score: unknownScore });
      begin = next;
    }
  }

  /** For each node the score of the best path from the start of the text through it. */
  #bestScores(): Float64Array {
    const best = new Float64Array(this.#begin.length);
    for (let node = 1; node < best.length; node++) {
      let most = -Infinity;
      for (const left of this.#ending[this.#begin[node]!]!) {
        most = Math.max(most, this.#round(best[left]! + this.#score[node]!));
      }
      best[node] = most;
    }
    return best;
  }

  /** Up to `count` segmentations, the best first. */
  best(count: number): Segmentation[] {
    const heuristic = this.#bestScores(), found: Segmentation[] = [];
    const nodes: number[] = [], nexts: number[] = [], total: number[] = [], estimate: number[] = [];
    const END = -1;
    let agenda = new Heap((hypothesis) => estimate[hypothesis]!);
    const push = (node: number, { next, score, bound }: { next: number; score: number; bound: number }) => {
      nodes.push(node);
      nexts.push(next);
      total.push(score);
      estimate.push(bound);
      agenda.push(nodes.length - 1);
    };
    push(END, { next: -1, score: 0, bound: 0 });
    for (let top = agenda.pop(); top !== undefined; top = agenda.pop()) {
      const node = nodes[top]!;
      if (node === START) {
        const path: number[] = [];
        for (let at = nexts[top]!; nodes[at] !== END; at = nexts[at]!) path.push(nodes[at]!);
        found.push(this.#segmentation(path, total[top]!));
        if (found.length === count) break;
        continue;
      }
      for (const left of this.#ending[node === END ? this.#bytes.length : this.#begin[node]!]!) {
        const score = this.#round(this.#score[left]! + total[top]!);
        push(left, { next: top, score, bound: this.#round(heuristic[left]! + total[top]!) });
      }
      if (agenda.size >= MOST_WAITING) {
        const kept = new Heap((hypothesis) => estimate[hypothesis]!);
        for (let i = Math.min(KEPT_WAITING, 10 * count); i > 0; i--) kept.push(agenda.pop()!);
        agenda = kept;
      }
    }
    return found;
  }

  /**
   * A random segmentation: each with a probability in proportion to exp(`theta` × its score).
   * @param random Gives uniform numbers in [0, 1).
   */
  sample(theta: number, random: () => number): Segmentation {
    const sums = new Float64Array(this.#bytes.length + 1).fill(-Infinity);
    sums[0] = 0;
    for (let node = 1; node < this.#begin.length; node++) {
      const end = this.#end[node]!;
      sums[end] = logAdd(sums[end]!, sums[this.#begin[node]!]! + theta * this.#score[node]!);
    }
    const path: number[] = [];
    let score = 0;
    for (let at = this.#bytes.length; at > 0; at = this.#begin[path[path.length - 1]!]!) {
      let left = random(), chosen = START;
      for (const node of this.#ending[at]!) {
        chosen = node;
        left -= Math.exp(sums[this.#begin[node]!]! + theta * this.#score[node]! - sums[at]!);
        if (left < 0) break;
      }
      path.push(chosen);
      score += this.#score[chosen]!;
    }
    return this.#segmentation(path.reverse(), score);
  }

  #segmentation(path: readonly number[], score: number): Segmentation {
    const { unknownId, byteFallback, byteIds } = this.#vocabulary;
    const ids = new IdList(path.length + 1), lengths = new IdList(path.length + 1);
    let afterUnknown = false;
    for (const node of path) {
      const begin = this.#begin[node]!, end = this.#end[node]!, unknown = this.#id[node] === unknownId;
      if (unknown && byteFallback) {
        for (let i = begin; i < end; i++) ids.push(byteIds[this.#bytes[i]!]!), lengths.push(1);
      } else if (unknown && afterUnknown) lengths.values[lengths.length - 1]! += end - begin;
      else ids.push(this.#id[node]!), lengths.push(end - begin);
      afterUnknown = unknown;
    }
    return { ids: ids.take(), lengths: lengths.take(), score };
  }
}

function logAdd(a: number, b: number): number {
  const high = Math.max(a, b), low = Math.min(a, b);
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}
