/**
 * The memory of sequences between two steps, on the device: caches of keys and values, inputs of convolutions, states of
 * scans.
 */
import { type HymbaConfig, layersOf } from "../config/mod.ts";
import { HymbaError } from "../errors.ts";
import { cacheSlots } from "../ops/decode.ts";
import { HISTORY, type SampleState } from "../ops/sample.ts";
import { projectionParts } from "../params/specs.ts";
import { Arena, type DType, ELEMENT_BYTES, sizeOf, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";

/**
 * Parts of a cache: keys, values, inputs of the convolution on queries, keys and values, inputs of the scan's convolution, and
 * the state of the scan.
 */
export const PARTS = ["k", "v", "heads", "conv", "scan"] as const;
export type Part = typeof PARTS[number];

/** The caches of one layer, each with a first dimension of B. A cache is absent when the layer lacks its branch, or when another layer owns it. */
export type LayerCache = Partial<Record<Part, Tensor>>;

/** Elements between the starts of two caches are a multiple of this: bindings must start at 256 bytes. */
const ALIGNMENT = 64;

/** The shapes of all caches, by layer, of B sequences of at most S positions. */
function cacheShapes(
  config: HymbaConfig,
  { B, S }: { B: number; S: number },
): Partial<Record<Part, readonly number[]>>[] {
  const { nKvHeads: G, headDim: K, valueHeadDim: Kv, innerDim: I, stateSize: N, convKernel: J, metaTokens: meta } =
    config;
  const taps = config.attentionConv;
  return layersOf(config).map((layer) => {
    const { index, attention, mamba, window, kvOwner } = layer, slots = cacheSlots(S, { window, meta });
    const { q, k, v } = projectionParts(config, layer);
    return {
      ...(attention && kvOwner === index && { k: [B, slots, G, K], v: [B, slots, G, Kv] }),
      ...(attention && taps > 0 && { heads: [B, taps - 1, q + k + v] }),
      ...(mamba && { conv: [B, J - 1, I] }),
      ...(mamba && config.state === "on" && { scan: [B, I, N] }),
    };
  });
}

/** Bytes of the caches of B sequences of at most S positions, by the formula: no padding. */
export const cacheBytes = (config: HymbaConfig, sizes: { B: number; S: number }): number =>
  cacheShapes(config, sizes).flatMap((layer) => Object.values(layer)).reduce(
    (sum, shape) => sum + sizeOf(shape) * ELEMENT_BYTES,
    0,
  );

/** Lays tensors of these shapes into one arena. */
function layOut<Name extends string>(
  name: string,
  shapes: readonly (readonly [Name, readonly number[]])[],
  dtype: DType,
): { arena: Arena; tensors: (readonly [Name, Tensor])[] } {
  const room = (shape: readonly number[]) => Math.ceil(sizeOf(shape) / ALIGNMENT) * ALIGNMENT;
  const arena = new Arena(name, shapes.reduce((sum, [, shape]) => sum + room(shape), 0));
  let offset = 0;
  const tensors = shapes.map(([name, shape]) => {
    const storage = new Storage(name, sizeOf(shape), dtype, { arena, offset });
    offset += room(shape);
    return [name, tensorOver(storage, shape)] as const;
  });
  return { arena, tensors };
}

/** Lays all caches of B sequences of at most S positions into one arena. */
export function layoutCaches(
  config: HymbaConfig,
  sizes: { B: number; S: number },
): { arena: Arena; caches: LayerCache[] } {
  const shapes = cacheShapes(config, sizes);
  const named = shapes.flatMap((layer, index) =>
    PARTS.flatMap((part) => layer[part] ? [[`${index}.${part}`, layer[part]] as const] : [])
  );
  const { arena, tensors } = layOut("caches", named, "f32"), found = new Map(tensors);
  const caches = shapes.map((_, index): LayerCache =>
    Object.fromEntries(PARTS.flatMap((part) => {
      const tensor = found.get(`${index}.${part}`);
      return tensor ? [[part, tensor]] : [];
    }))
  );
  return { arena, caches };
}

/** Lays the words that B sequences carry from step to step into one arena. */
export function layoutSequences({ B, V }: { B: number; V: number }): { arena: Arena; state: SampleState } {
  const { arena, tensors } = layOut("sequences", [
    ["token", [B]],
    ["position", [B]],
    ["turn", [B]],
    ["seen", [B, V]],
    ["history", [HISTORY, B]],
  ], "u32");
  const found = new Map<string, Tensor>(tensors);
  const of = (name: keyof SampleState) => {
    const tensor = found.get(name);
    if (!tensor) throw new HymbaError(`decoding: the sequences have no ${name}`);
    return tensor;
  };
  const state = {
    token: of("token"),
    position: of("position"),
    turn: of("turn"),
    seen: of("seen"),
    history: of("history"),
  };
  return { arena, state };
}

/** Finds a cache. Throws a HymbaError when the layer does not own one. */
export function cacheOf(caches: readonly LayerCache[], layer: number, part: Part): Tensor {
  const found = caches[layer]?.[part];
  if (!found) throw new HymbaError(`decoding: layer ${layer} has no cache ${part}`);
  return found;
}
