/** Which models are Llamas, and why the others are not. */
import { type HymbaConfig, type Layer, layersOf } from "../config/mod.ts";
import { UsageError } from "../errors.ts";

/** A feature that a Llama does not have: a test, and words for the error. */
interface Difference {
  readonly words: string;
  is(config: HymbaConfig, layers: readonly Layer[]): boolean;
}

/** Layers with attention and Mamba, or Mamba alone: no program knows them, each for its own reason. */
const MIXERS: readonly Difference[] = [
  {
    words: "attention and Mamba side by side in one layer; neither Transformers nor llama.cpp has such layers with " +
      "Mamba-1 (Falcon-H1 has Mamba-2), and the published Hymba model comes with code of its own",
    is: (_, layers) => layers.some(({ attention, mamba }) => attention && mamba),
  },
  {
    words: "layers of Mamba with a feed-forward part; the Mamba of Transformers and llama.cpp has none, and Jamba, " +
      "which has one, always normalises step size, B and C and gives attention no positions",
    is: (_, layers) => layers.some(({ attention, mamba }) => mamba && !attention),
  },
];

const ATTENTION: readonly Difference[] = [
  { words: "meta tokens before the text", is: ({ metaTokens }) => metaTokens > 0 },
  {
    words: "windows; Mistral has one for all layers, but versions of Transformers differ by one key in what it means",
    is: (_, layers) => layers.some(({ window }) => window > 0),
  },
  {
    words: "keys and values that layers share",
    is: (_, layers) => layers.some(({ kvOwner, index }) => kvOwner !== index),
  },
  { words: "a convolution before attention (attentionConv)", is: ({ attentionConv }) => attentionConv > 0 },
  {
    words: "projections before and after attention (branchWidth)",
    is: ({ branchWidth }) => branchWidth > 0,
  },
  {
    words: "values of another width than keys (valueHeadDim)",
    is: ({ valueHeadDim, headDim }) => valueHeadDim !== headDim,
  },
  { words: "a width that its heads do not divide", is: ({ dModel, nHeads }) => dModel % nHeads !== 0 },
];

/** The features of a model that a Llama does not have, in words; empty for a Llama. */
export function notLlama(config: HymbaConfig): string[] {
  const layers = layersOf(config),
    found = (all: readonly Difference[]) => all.filter(({ is }) => is(config, layers)).map(({ words }) => words);
  return [...found(MIXERS), ...found(layers.some(({ attention }) => attention) ? ATTENTION : ATTENTION.slice(0, 1))];
}

/** Throws a UsageError with the unsupported features, unless the model is a Llama. */
export function requireLlama(name: string, config: HymbaConfig, format: string): void {
  const reasons = notLlama(config);
  if (reasons.length === 0) return;
  throw new UsageError(`${format} cannot carry ${name}`, {
    expected: "a Llama: full attention in every layer, rotary positions, SwiGLU, and nothing else (transformer-global)",
    got: reasons.join("; "),
    hint: "--format pytorch takes every model",
  });
}
