/**
 * This folder: corpora, split, batches, preference pairs, recall sequences, baselines.
 * Training batches as a pure function of seed and step. There is no state to save, and any step can be computed directly.
 */
import { at, present } from "../lists.ts";
import { type Counter, orderOf, randomInteger, STREAMS } from "../random.ts";
import { type Part, piecesIn, type Text } from "./parts.ts";

/** Row-major [B, T] arrays of one step: inputs, targets (the next tokens), and weights (1 where a target counts, else 0). */
export interface Batch {
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
  readonly weight: Float32Array<ArrayBuffer>;
}

/** Where the windows of an epoch begin in one piece: `first` windows lie before it. */
interface PieceWindows {
  readonly first: number;
  readonly count: number;
  readonly start: number;
}

/**
 * The training batches of a seed. An epoch visits every window of T tokens once. Each epoch has its own order and its own
 * offset of the first window in each piece of text. All models with the same seed see the same batches.
 */
export class BatchOrder {
  readonly #part: Text;
  readonly #size: { B: number; T: number; seed: number; aligned?: boolean };
  /** Windows of each piece. */
  readonly #counts: readonly number[];
  /** Windows per epoch. A text of one piece has one fewer than fit, because the offset of an epoch can cost one window. */
  readonly windows: number;
  #epoch: { number: number; pieces: readonly PieceWindows[]; order: (place: number) => number } | undefined;

  /** `aligned`: the tokens are independent sequences of T, so windows start at multiples of T in every epoch. */
  constructor(
    part: Text,
    size: { B: number; T: number; seed: number; aligned?: boolean },
  ) {
    this.#part = part;
    this.#size = size;
    const pieces = piecesIn(part),
      fit = pieces.map(([start, end]) => Math.max(0, Math.floor((end - start - 1) / size.T)));
    this.#counts = pieces.length === 1 ? fit.map((count) => Math.max(1, count - 1)) : fit;
    this.windows = this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** The batch of an update; the first is step 1. */
  at(step: number): Batch {
    const { B, T } = this.#size;
    const batch = emptyBatch(B, T);
    for (let b = 0; b < B; b++) this.#copy(batch, { row: b, drawn: (step - 1) * B + b });
    batch.weight.fill(1);
    return batch;
  }

  #copy({ ids, targets }: Batch, { row, drawn }: { row: number; drawn: number }): void {
    const { T } = this.#size, { tokens } = this.#part, windows = this.windows;
    const { pieces, order } = this.#epochOf(Math.floor(drawn / windows)), window = order(drawn % windows);
    const piece = present(pieces.findLast(({ first }) => first <= window), "the piece of a window");
    const start = Math.min(piece.start + (window - piece.first) * T, tokens.length - T - 1);
    const own = tokens.subarray(start, start + T + 1);
    ids.set(own.subarray(0, T), row * T);
    targets.set(own.subarray(1), row * T);
  }

  #epochOf(number: number) {
    if (this.#epoch?.number === number) return this.#epoch;
    const { seed } = this.#size, counter = { seed, stream: STREAMS.batches, step: number };
    this.#epoch = { number, pieces: this.#piecesAt(counter), order: orderOf(this.windows, counter) };
    return this.#epoch;
  }

  /** The windows of an epoch. A piece between others has an offset among those that cost no window. */
  #piecesAt(counter: Counter): PieceWindows[] {
    const { T, aligned } = this.#size, all = piecesIn(this.#part);
    let first = 0;
    return all.flatMap(([start, end], i) => {
      const count = at(this.#counts, i), offsets = all.length === 1 ? T : end - start - count * T;
      if (count === 0) return [];
      const piece = { first, count, start: aligned ? start : start + randomInteger(counter, 2 ** 32 + i, offsets) };
      first += count;
      return [piece];
    });
  }
}

export const emptyBatch = (B: number, T: number): Batch => ({
  ids: new Uint32Array(B * T),
  targets: new Uint32Array(B * T),
  weight: new Float32Array(B * T),
});

/**
 * Batches that predict every token except the first of each piece exactly once, in windows of T. The padding of short windows and
 * of the last batch has weight 0.
 */
export function* evaluationBatches(
  part: Pick<Part, "tokens" | "starts">,
  { B, T }: { B: number; T: number },
): Generator<Batch> {
  let batch = emptyBatch(B, T), row = 0;
  for (const [start, end] of piecesIn(part)) {
    for (let from = start; from < end - 1; from += T) {
      const length = Math.min(T, end - 1 - from);
      batch.ids.set(part.tokens.subarray(from, from + length), row * T);
      batch.targets.set(part.tokens.subarray(from + 1, from + 1 + length), row * T);
      batch.weight.fill(1, row * T, row * T + length);
      if (++row < B) continue;
      yield batch;
      batch = emptyBatch(B, T);
      row = 0;
    }
  }
  if (row > 0) yield batch;
}
