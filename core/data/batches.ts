/** Training batches as a pure function of seed and step. There is no state to save, and any step can be computed directly. */
import { at } from "../lists.ts";
import { permutation, randomInteger, STREAMS } from "../random.ts";

/** Row-major [B, T] arrays of one step: inputs, targets (the next tokens), and weights (1 where a target counts, else 0). */
export interface Batch {
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
  readonly weight: Float32Array<ArrayBuffer>;
}

/**
 * The training batches of a seed. An epoch visits every window of T tokens once. Each epoch has its own order and its own
 * offset of the first window. All models with the same seed see the same batches.
 */
export class BatchOrder {
  readonly #tokens: Uint32Array;
  readonly #size: { B: number; T: number; seed: number; aligned?: boolean };
  #epoch: { number: number; offset: number; order: Uint32Array } | undefined;

  /** `aligned`: the tokens are independent sequences of T, so windows start at multiples of T in every epoch. */
  constructor(tokens: Uint32Array, size: { B: number; T: number; seed: number; aligned?: boolean }) {
    this.#tokens = tokens;
    this.#size = size;
  }

  /** Windows per epoch: one fewer than fit, because the offset of an epoch can cost one window. */
  get windows(): number {
    const { T } = this.#size;
    return Math.max(1, Math.floor((this.#tokens.length - 1) / T) - 1);
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
    const { T } = this.#size, windows = this.windows;
    const { offset, order } = this.#epochOf(Math.floor(drawn / windows));
    const start = Math.min(offset + at(order, drawn % windows) * T, this.#tokens.length - T - 1);
    ids.set(this.#tokens.subarray(start, start + T), row * T);
    targets.set(this.#tokens.subarray(start + 1, start + T + 1), row * T);
  }

  #epochOf(number: number) {
    if (this.#epoch?.number === number) return this.#epoch;
    const { T, seed, aligned } = this.#size, counter = { seed, stream: STREAMS.batches, step: number };
    const offset = aligned ? 0 : randomInteger(counter, 2 ** 32, T);
    this.#epoch = { number, offset, order: permutation(this.windows, counter) };
    return this.#epoch;
  }
}

export const emptyBatch = (B: number, T: number): Batch => ({
  ids: new Uint32Array(B * T),
  targets: new Uint32Array(B * T),
  weight: new Float32Array(B * T),
});

/** Batches that predict every token except the first exactly once, in windows of T. The padding of the last batch has weight 0. */
export function* evaluationBatches(tokens: Uint32Array, { B, T }: { B: number; T: number }): Generator<Batch> {
  for (let start = 0; start < tokens.length - 1; start += B * T) {
    const batch = emptyBatch(B, T);
    for (let row = 0; row < B; row++) {
      const from = start + row * T, length = Math.min(T, tokens.length - 1 - from);
      if (length <= 0) break;
      batch.ids.set(tokens.subarray(from, from + length), row * T);
      batch.targets.set(tokens.subarray(from + 1, from + 1 + length), row * T);
      batch.weight.fill(1, row * T, row * T + length);
    }
    yield batch;
  }
}
