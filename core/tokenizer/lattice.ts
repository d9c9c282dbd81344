/**
 * All segmentations of a short text: the n best of them (A*), and random ones (forward filtering, backward sampling).
 * Source: SentencePiece, `unigram_model.cc` (`Lattice`); T. Kudo, "Subword Regularization", 2018.
 */
import { IdList, leadLength } from "./bytes.ts";
import { unitOffset } from "./double_array.ts";
import { Heap } from "./heap.ts";
import { PieceType, type Vocabulary } from "./vocabulary.ts";

/** A segmentation of a normalised text. */
export interface Segmentation {
  /** Ids of the pieces, in order. */
  ids: Uint32Array;
  /** Bytes of normalised text that each piece covers. */
  lengths: Uint32Array;
  /** Natural logarithm of the probability under the model. */
  score: number;
}

/** When this many partial segmentations are queued, only the best of them are kept. */
const MOST_WAITING = 100_000, KEPT_WAITING = 512;

/** One token at one place. */
interface Node {
  /** Its first byte, and the byte after its last one. */
  readonly begin: number;
  readonly end: number;
  readonly id: number;
  readonly score: number;
  /** Its place in the order of SentencePiece: by start, then by length. */
  readonly index: number;
}

/** A partial segmentation, from a node to the end of the text. */
interface Hypothesis {
  /** The first node of the part, or undefined for the end of the text. */
  readonly node: Node | undefined;
  readonly next: Hypothesis | undefined;
  /** Score of the nodes after `node`. */
  readonly score: number;
  /** The best score that a whole segmentation with this end can have. */
  readonly bound: number;
}

/** All tokens at all places of a text. */
export class Lattice {
  readonly #bytes: Uint8Array;
  readonly #vocabulary: Vocabulary;
  readonly #round: (x: number) => number;
  /** The start of the text, and the other nodes in order. */
  readonly #start: Node = { begin: 0, end: 0, id: 0, score: 0, index: 0 };
  readonly #nodes: Node[] = [];
  /** The nodes that end at each byte. */
  readonly #ending = new Map<number, Node[]>([[0, [this.#start]]]);

  /** @param bytes Normalised text. */
  constructor(bytes: Uint8Array, vocabulary: Vocabulary) {
    this.#bytes = bytes;
    this.#vocabulary = vocabulary;
    this.#round = vocabulary.arithmetic === "float32" ? Math.fround : (x) => x;
    this.#read();
  }

  #add(begin: number, { end, id, score }: { end: number; id: number; score: number }): void {
    const node = { begin, end, id, score: this.#round(score), index: this.#nodes.length + 1 };
    this.#nodes.push(node);
    const ending = this.#ending.get(end);
    if (ending) ending.push(node);
    else this.#ending.set(end, [node]);
  }

  #endingAt(end: number): readonly Node[] {
    return this.#ending.get(end) ?? [];
  }

  #read(): void {
    const { maxScore, arithmetic, unknownId, unknownScore } = this.#vocabulary, bytes = this.#bytes;
    for (let begin = 0; begin < bytes.length;) {
      const next = Math.min(begin + leadLength(bytes[begin] ?? 0), bytes.length);
      let alone = false;
      for (const { end, id, characters } of this.#piecesAt(begin)) {
        // SentencePiece counts characters here, but bytes in the best segmentation.
        const bonus = arithmetic === "float32" && this.#vocabulary.typeOf(id) === PieceType.userDefined;
        const score = bonus ? Math.fround(characters * maxScore) - 0.1 : this.#vocabulary.scores[id] ?? 0;
        this.#add(begin, { end, id, score });
        if (end === next) alone = true;
      }
      if (!alone) this.#add(begin, { end: next, id: unknownId, score: unknownScore });
      begin = next;
    }
  }

  /** The pieces that start at a byte, the shortest first. */
  *#piecesAt(begin: number): Generator<{ end: number; id: number; characters: number }> {
    const { trie } = this.#vocabulary, [root] = trie;
    if (root === undefined) return;
    let node = unitOffset(root), characters = 0, end = begin;
    for (const byte of this.#bytes.subarray(begin)) {
      if ((byte & 0xc0) !== 0x80) characters++;
      node ^= byte;
      const unit = trie[node] ?? 0;
      if ((unit & 0x800000ff) !== byte) return;
      node ^= unitOffset(unit);
      end++;
      if (unit & 0x100) yield { end, id: (trie[node] ?? 0) & 0x7fffffff, characters };
    }
  }

  /** For each node, by its index, the score of the best path from the start of the text through it. */
  #bestScores(): Float64Array {
    const best = new Float64Array(this.#nodes.length + 1);
    for (const { begin, score, index } of this.#nodes) {
      let most = -Infinity;
      for (const left of this.#endingAt(begin)) most = Math.max(most, this.#round((best[left.index] ?? 0) + score));
      best[index] = most;
    }
    return best;
  }

  /** Up to `count` segmentations, the best first. */
  best(count: number): Segmentation[] {
    const heuristic = this.#bestScores(), found: Segmentation[] = [];
    const byBound = ({ bound }: Hypothesis) => bound;
    let agenda = new Heap(byBound);
    agenda.push({ node: undefined, next: undefined, score: 0, bound: 0 });
    for (let top = agenda.pop(); top !== undefined; top = agenda.pop()) {
      if (top.node === this.#start) {
        found.push(this.#segmentation(nodesOf(top.next), top.score));
        if (found.length === count) break;
        continue;
      }
      for (const left of this.#endingAt(top.node ? top.node.begin : this.#bytes.length)) {
        const score = this.#round(left.score + top.score);
        agenda.push({ node: left, next: top, score, bound: this.#round((heuristic[left.index] ?? 0) + top.score) });
      }
      if (agenda.size < MOST_WAITING) continue;
      const kept = new Heap(byBound);
      for (let left = Math.min(KEPT_WAITING, 10 * count); left > 0; left--) {
        const one = agenda.pop();
        if (one) kept.push(one);
      }
      agenda = kept;
    }
    return found;
  }

  /**
   * A random segmentation. The probability of each is proportional to exp(`theta` × its score).
   * @param random Gives uniform numbers in [0, 1).
   */
  sample(theta: number, random: () => number): Segmentation {
    const sums = new Float64Array(this.#bytes.length + 1).fill(-Infinity),
      sumAt = (at: number) => sums[at] ?? -Infinity;
    sums[0] = 0;
    for (const { begin, end, score } of this.#nodes) {
      sums[end] = logAdd(sumAt(end), sumAt(begin) + theta * score);
    }
    const path: Node[] = [];
    let score = 0;
    for (let at = this.#bytes.length; at > 0;) {
      let left = random(), chosen = this.#start;
      for (const node of this.#endingAt(at)) {
        chosen = node;
        left -= Math.exp(sumAt(node.begin) + theta * node.score - sumAt(at));
        if (left < 0) break;
      }
      path.push(chosen);
      score += chosen.score;
      at = chosen.begin;
    }
    return this.#segmentation(path.reverse(), score);
  }

  #segmentation(path: readonly Node[], score: number): Segmentation {
    const { unknownId, byteFallback, byteIds } = this.#vocabulary;
    const ids = new IdList(path.length + 1), lengths = new IdList(path.length + 1);
    let afterUnknown = false;
    for (const { begin, end, id } of path) {
      const unknown = id === unknownId;
      if (unknown && byteFallback) {
        for (const byte of this.#bytes.subarray(begin, end)) {
          ids.push(byteIds[byte] ?? unknownId);
          lengths.push(1);
        }
      } else if (unknown && afterUnknown) lengths.addToLast(end - begin);
      else {
        ids.push(id);
        lengths.push(end - begin);
      }
      afterUnknown = unknown;
    }
    return { ids: ids.take(), lengths: lengths.take(), score };
  }
}

/** The nodes of a hypothesis, from left to right. */
function nodesOf(first: Hypothesis | undefined): Node[] {
  const path: Node[] = [];
  for (let at = first; at?.node; at = at.next) path.push(at.node);
  return path;
}

function logAdd(a: number, b: number): number {
  const high = Math.max(a, b), low = Math.min(a, b);
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}
