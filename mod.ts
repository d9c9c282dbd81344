/**
 * hymba as a library: models of attention and Mamba heads, trained, loaded, measured and sampled. It runs in Deno, in browsers and in
 * Node, on WebGPU and on WebAssembly; importing it loads no engine until a model is made. `docs/api.md` is its guide.
 *
 * Letters of shapes: B sequences, T tokens, V words of the vocabulary, D width of the model. Losses are in nats per token.
 * Errors are HymbaError (the work failed) or UsageError (the request was wrong): what, expected, got, and what to do.
 *
 * @example
 * ```ts
 * import { Hymba, HymbaConfig } from "@hymba/hymba";
 *
 * const config = new HymbaConfig({ vocabSize: 400, dModel: 32, nLayers: 3, nHeads: 4, nKvHeads: 2, archType: "hymba" });
 * await using model = await Hymba.create(config);
 * const ids = [[1, 2, 3, 4]], targets = [[2, 3, 4, 5]];
 * const { loss } = await model.forward(ids, { targets });
 * const generated = await model.generate(ids, { maxNewTokens: 8, temperature: 0.8, topK: 40 });
 * for await (const next of model.generate([[1, 2], [3]], { maxNewTokens: 3, topP: 0.9 })) generated.push(next);
 * console.log(loss, generated);
 * ```
 *
 * @module
 */
export type { BackendOptions } from "./core/backend/mod.ts";
export { ArchType, type Fusion, FUSIONS, HymbaConfig, type HymbaOptions } from "./core/config/mod.ts";
export { type Precision, PRECISIONS, type ScheduleName, SCHEDULES } from "./core/config/mod.ts";
export { Diverged, type ErrorDetails, HymbaError, Interrupted, UsageError } from "./core/errors.ts";
export { type CausalityOptions, type CausalityProof, proveCausality } from "./core/library/causality.ts";
export {
  loadCheckpoint,
  type LoadCheckpointOptions,
  saveCheckpoint,
  type SaveCheckpointOptions,
} from "./core/library/checkpoint.ts";
export type { Checkpoint, Weight } from "./core/library/checkpoint_types.ts";
export { Generation } from "./core/library/generation.ts";
export { Hymba } from "./core/library/hymba.ts";
export type {
  Device,
  EvaluateOptions,
  Evaluation,
  GenerateOptions,
  GenerateTextOptions,
  HymbaCreateOptions,
  HymbaLoadOptions,
  TokenIds,
} from "./core/library/options.ts";
export { Trainer } from "./core/library/trainer.ts";
export type { PreferencePair, RunOptions, TrainerOptions, TrainingStep } from "./core/library/trainer_options.ts";
export type { Counter } from "./core/random.ts";
export {
  type DecodeStream,
  type Normalization,
  NORMALIZATIONS,
  type Piece,
  type Segmentation,
  Tokenizer,
  type TokenStream,
  type TrainOptions,
  type TrainProgress,
  trainTokenizer,
} from "./core/tokenizer/mod.ts";
