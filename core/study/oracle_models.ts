/** The two models of a preference task: stage 1, which does not change, and the trained model. */
import { emptyBatch } from "../data/batches.ts";
import type { Part } from "../data/parts.ts";
import { sha256 } from "../disk/mod.ts";
import { generate } from "../infer/generate.ts";
import { evaluationPlan, Scorer } from "../infer/scorer.ts";
import { at, mean } from "../lists.ts";
import { requireOwnWeights, type WeightsOrigin } from "../params/own_weights.ts";
import { decodeSafetensors } from "../params/safetensors.ts";
import { ParameterStore } from "../params/store.ts";
import type { HymbaConfig } from "../config/mod.ts";
import type { Executor } from "../plan/mod.ts";
import { putArena } from "../train/snapshot.ts";

export type Which = "stage 1" | "trained";

/** Sequences that are sampled or scored in parallel. */
const TOGETHER = 64;

/** How both models sample, and the text on which their loss is measured. */
export interface OracleSampling {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly validation: Part;
  readonly sequenceLength: number;
  readonly signal?: AbortSignal;
}

/** Call `release` at the end. */
export class OracleModels {
  /** SHA-256 of the weights of stage 1. */
  readonly digest: string;
  readonly trained: ParameterStore;
  readonly #stageOne: ParameterStore;
  #loss: number | undefined;

  constructor(
    readonly executor: Executor,
    private readonly how: OracleSampling,
    private readonly weights: {
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly name: string;
      /** What the file has to say of itself. */
      readonly origin: WeightsOrigin;
      readonly config: HymbaConfig;
    },
  ) {
    this.digest = sha256(weights.bytes);
    this.#stageOne = new ParameterStore(weights.config);
    this.trained = new ParameterStore(weights.config);
    this.#put(this.#stageOne);
  }

  #put(store: ParameterStore): void {
    const { bytes, name, origin } = this.weights, { tensors, metadata } = decodeSafetensors(bytes, { name });
    requireOwnWeights(name, { metadata, wanted: origin });
    putArena(this.executor, store, { tensors, arena: "parameters", name });
  }

  /** Resets the trained model to the weights of stage 1. */
  reset(): void {
    this.#put(this.trained);
  }

  #store(which: Which): ParameterStore {
    return which === "trained" ? this.trained : this.#stageOne;
  }

  /** One sample for each prompt. With the same `first`, both models use the same random numbers. */
  async sample(which: Which, prompts: readonly Uint32Array[], { first }: { first: number }): Promise<Uint32Array[]> {
    const { completionTokens: newTokens, temperature, seed, signal } = this.how, made: Uint32Array[] = [];
    for (let from = 0; from < prompts.length; from += TOGETHER) {
      const some = prompts.slice(from, from + TOGETHER);
      const numbers = some.map((_, b) => first + from + b);
      const options = { prompts: some, newTokens, temperature, seed, numbers, signal };
      made.push(...(await generate(this.executor, this.#store(which), options)).tokens);
    }
    return made;
  }

  /** Mean log-probability of the tokens of each completion. */
  async logps(
    which: Which,
    prompts: readonly Uint32Array[],
    completions: readonly Uint32Array[],
  ): Promise<number[]> {
    const { promptTokens: P, completionTokens: C, signal } = this.how, T = P + C - 1, B = TOGETHER;
    const scorer = await Scorer.create(this.executor, evaluationPlan(this.#store(which), { B, T }), { signal });
    const found: number[] = [];
    try {
      for (let from = 0; from < prompts.length; from += B) {
        const batch = emptyBatch(B, T), count = Math.min(B, prompts.length - from);
        for (let row = 0; row < count; row++) {
          const tokens = Uint32Array.of(...at(prompts, from + row), ...at(completions, from + row));
          batch.ids.set(tokens.subarray(0, T), row * T);
          batch.targets.set(tokens.subarray(1), row * T);
        }
        const logp = await scorer.logp(batch);
        for (let row = 0; row < count; row++) found.push(mean(logp.subarray((row + 1) * T - C, (row + 1) * T)));
      }
      return found;
    } finally {
      scorer.dispose();
    }
  }

  /** Mean loss on the validation text (nats per token). */
  async loss(which: Which): Promise<number> {
    const { validation, sequenceLength: T, signal } = this.how, B = Math.max(1, Math.ceil(1024 / T));
    const scorer = await Scorer.create(this.executor, evaluationPlan(this.#store(which), { B, T }), { signal });
    try {
      return -mean(await scorer.tokenLogps(validation));
    } finally {
      scorer.dispose();
    }
  }

  async stageOneLoss(): Promise<number> {
    return this.#loss ??= await this.loss("stage 1");
  }

  release(): void {
    for (const store of [this.trained, this.#stageOne]) store.release(this.executor);
  }
}
