/** The parameters of a Llama with the names of Transformers, and their places in this program's parameters. */
import type { HymbaConfig } from "../config/mod.ts";
import { at, present } from "../lists.ts";
import type { Weights } from "./exported.ts";

/** A tensor of Transformers: rows [first, first + rows) of one of this program's parameters. */
export interface LlamaPart {
  /** Its name in Transformers. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Our parameter, and the first of its rows. */
  readonly ours: string;
  readonly first: number;
}

/** The tensors of a layer. The fused projections are cut into their rows. */
function layerParts(config: HymbaConfig, index: number): LlamaPart[] {
  const { dModel: D, nHeads: H, nKvHeads: G, headDim: K, ffnHidden: F } = config;
  const part = (name: string, shape: readonly number[], [ours, first = 0]: readonly [string, number?]): LlamaPart => ({
    name: `model.layers.${index}.${name}.weight`,
    shape,
    ours: `layers.${index}.${ours}`,
    first,
  });
  return [
    part("input_layernorm", [D], ["norm1"]),
    part("self_attn.q_proj", [H * K, D], ["in_proj"]),
    part("self_attn.k_proj", [G * K, D], ["in_proj", H * K]),
    part("self_attn.v_proj", [G * K, D], ["in_proj", (H + G) * K]),
    part("self_attn.o_proj", [D, H * K], ["out_proj"]),
    part("post_attention_layernorm", [D], ["norm2"]),
    part("mlp.gate_proj", [F, D], ["ffn.gate_up"]),
    part("mlp.up_proj", [F, D], ["ffn.gate_up", F]),
    part("mlp.down_proj", [D, F], ["ffn.down"]),
  ];
}

/** All tensors of a Llama with tied embeddings, in order. */
export function llamaParts(config: HymbaConfig): LlamaPart[] {
  const { vocabSize: V, dModel: D, nLayers } = config;
  return [
    { name: "model.embed_tokens.weight", shape: [V, D], ours: "embedding", first: 0 },
    ...Array.from({ length: nLayers }, (_, index) => layerParts(config, index)).flat(),
    { name: "model.norm.weight", shape: [D], ours: "final_norm", first: 0 },
  ];
}

const sizeOf = ({ shape }: LlamaPart) => shape.reduce((product, n) => product * n, 1);
/** Where a part begins in our parameter. */
const startOf = ({ first, shape }: LlamaPart) => first * (shape.length > 1 ? at(shape, 1) : 1);

/** The values of such a tensor. */
export function valuesOfPart(weights: Weights, part: LlamaPart): Float32Array<ArrayBuffer> {
  const start = startOf(part);
  return present(weights[part.ours], part.ours).slice(start, start + sizeOf(part));
}

/** Our weights out of the parts; `take` gives the values of one. */
export function weightsOfParts(
  config: HymbaConfig,
  take: (name: string, shape: readonly number[]) => Float32Array<ArrayBuffer>,
): Weights {
  const parts = llamaParts(config), sizes = new Map<string, number>();
  for (const part of parts) sizes.set(part.ours, Math.max(sizes.get(part.ours) ?? 0, startOf(part) + sizeOf(part)));
  const weights = new Map([...sizes].map(([name, size]) => [name, new Float32Array(size)]));
  for (const part of parts) present(weights.get(part.ours), part.ours).set(take(part.name, part.shape), startOf(part));
  return Object.fromEntries(weights);
}
