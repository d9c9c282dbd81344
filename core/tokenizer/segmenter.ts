/**
 * The best segmentation of a text (Viterbi), in one pass and in memory that does not grow with the text.
 *
 * Source: SentencePiece, `unigram_model.cc` (`EncodeOptimized`): for every position the best path that ends there. A position
 * that no piece spans is on every path, so the path up to it is settled: its ids go to the sink and its memory is reused. The
 * running score is kept, because later choices depend on its 32-bit rounding.
 */
import { ByteBuffer, type IdList, leadLength } from "./bytes.ts";
import { unitOffset } from "./double_array.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Receives settled tokens. */
export interface TokenSink {
  ids: IdList;
  /** Bytes of normalised text that each token covers; undefined where they are not needed. */
  lengths?: IdList;
}

/** Segments one text that arrives in parts. */
export class Segmenter {
  /** Normalised text that is not settled yet; the caller appends to it. */
  readonly input = new ByteBuffer(4096);
  readonly #vocabulary: Vocabulary;
  readonly #sink: TokenSink;
  #score: Float32Array | Float64Array;
  #id = new Int32Array(0);
  #start = new Int32Array(0);
  #stack = new Int32Array(64);
  /** First byte that is not settled; positions up to `#reached` have a path. */
  #settled = 0;
  #position = 0;
  #reached = 0;
  #afterUnknown = false;

  constructor(vocabulary: Vocabulary, sink: TokenSink) {
    this.#vocabulary = vocabulary;
    this.#sink = sink;
    this.#score = vocabulary.arithmetic === "float32" ? new Float32Array(1) : new Float64Array(1);
  }

  /** Segments what has been appended. `final`: the text ends here, and another one can follow. */
  run(final: boolean): void {
    this.#fit(this.input.length + 1);
    this.#forward(final ? this.input.length : this.input.length - this.#vocabulary.longestPiece);
    if (final) {
      this.#settle(this.input.length);
      this.input.length = 0;
      this.#settled = this.#position = this.#reached = 0;
      this.#score[0] = 0;
      this.#afterUnknown = false;
    } else this.#compact();
  }

  #fit(size: number): void {
    if (size <= this.#id.length) return;
    const capacity = Math.max(2 * size, 512);
    const score = this.#vocabulary.arithmetic === "float32" ? new Float32Array(capacity) : new Float64Array(capacity);
    score.set(this.#score);
    const id = new Int32Array(capacity), start = new Int32Array(capacity);
    id.set(this.#id);
    start.set(this.#start);
    this.#score = score;
    this.#id = id;
    this.#start = start;
  }

  /** Extends paths from every character that starts before `limit`. */
  #forward(limit: number): void {
    const { trie, scores } = this.#vocabulary;
    const bytes = this.input.bytes, end = this.input.length;
    const score = this.#score, ids = this.#id, starts = this.#start;
    const root = trie.length > 0 ? unitOffset(trie[0]!) : 0;
    let position = this.#position, reached = this.#reached;
    while (position < limit) {
      if (position === reached) this.#settle(position);
      const soFar = score[position]!;
      const single1 = position + leadLength(bytes[position]!);
      const next = single1 < end ? single1 : end;
      let alone = false;
      let node = root;
      for (let i = position; i < end && trie.length > 0;) {
        const byte = bytes[i]!;
        node ^= byte;
        const unit = trie[node]!;
        if ((unit & 0x800000ff) !== byte) break;
        node ^= (unit >>> 10) << ((unit & 0x200) >>> 6);
        i++;
        if ((unit & 0x100) === 0) continue;
        const id = trie[node]! & 0x7fffffff;
        const candidate = scores[id]! + soFar;
        while (reached < i) starts[++reached] = -1;
        if (starts[i]! < 0 || candidate > score[i]!) {
          score[i] = candidate;
          ids[i] = id;
          starts[i] = position;
        }
        if (i === next) alone = true;
      }
      while (reached < next) starts[++reached] = -1;
      if (!alone) this.#extendUnknown(position, next);
      position = next;
    }
    this.#position = position;
    this.#reached = reached;
  }

  /** Extends the path that ends at `position` by the unknown token up to `end`, if no better path ends there. */
  #extendUnknown(position: number, end: number): void {
    const { arithmetic, unknownScore, unknownId } = this.#vocabulary, sum = unknownScore + this.#score[position]!;
    const candidate = arithmetic === "float32" ? Math.fround(sum) : sum;
    if (this.#start[end]! >= 0 && !(candidate > this.#score[end]!)) return;
    this.#score[end] = candidate;
    this.#id[end] = unknownId;
    this.#start[end] = position;
  }

  /** Writes the tokens of the path that ends at `end`. */
  #settle(end: number): void {
    let depth = 0;
    for (let at = end; at > this.#settled; at = this.#start[at]!) {
      if (depth === this.#stack.length) {
        const grown = new Int32Array(2 * depth);
        grown.set(this.#stack);
        this.#stack = grown;
      }
      this.#stack[depth++] = at;
    }
    const unknownId = this.#vocabulary.unknownId, { ids, lengths } = this.#sink;
    while (depth > 0) {
      const at = this.#stack[--depth]!, id = this.#id[at]!;
      if (id === unknownId) this.#writeUnknown(this.#start[at]!, at);
      else {
        ids.push(id);
        lengths?.push(at - this.#start[at]!);
        this.#afterUnknown = false;
      }
    }
    this.#settled = end;
  }

  /** An unknown character: its bytes with byte fallback, otherwise one unknown token for the whole run. */
  #writeUnknown(begin: number, end: number): void {
    const { byteFallback, byteIds, unknownId } = this.#vocabulary, { ids, lengths } = this.#sink;
    if (byteFallback) {
      for (const byte of this.input.bytes.subarray(begin, end)) {
        ids.push(byteIds[byte] ?? unknownId);
        lengths?.push(1);
      }
    } else if (this.#afterUnknown) {
      lengths?.addToLast(end - begin);
    } else {
      ids.push(unknownId);
      lengths?.push(end - begin);
    }
    this.#afterUnknown = true;
  }

  /** Moves what is not settled to the front. */
  #compact(): void {
    const shift = this.#settled;
    if (shift === 0) return;
    const stop = this.#reached + 1;
    this.#score.copyWithin(0, shift, stop);
    this.#id.copyWithin(0, shift, stop);
    this.#start.copyWithin(0, shift, stop);
    for (let i = 1; i < stop - shift; i++) if (this.#start[i]! >= 0) this.#start[i]! -= shift;
    this.input.dropFront(shift);
    this.#settled = 0;
    this.#position -= shift;
    this.#reached -= shift;
  }
}
