/** The decoding ops that use earlier positions. They read and update caches and states. */
import { type HymbaConfig, layersOf } from "../config/mod.ts";
import { HymbaError } from "../errors.ts";
import type { KeysAndValues, Mixing, Place } from "../nn/mixing.ts";
import { attentionDecode, cacheAppend, cacheSlots, convStep, scanStep } from "../ops/decode.ts";
import type { ScanInputs } from "../ops/selective_scan.ts";
import { projectionParts } from "../params/specs.ts";
import { Arena, sizeOf, Storage, type Tape, type Tensor, tensorOver } from "../tensor/mod.ts";

/** The caches of one layer. A cache is absent when the layer lacks its branch, or when another layer owns it. */
export type LayerCache = Partial<Record<"k" | "v" | "heads" | "conv" | "scan", Tensor>>;

/** Elements between the starts of two caches are a multiple of this: bindings must start at 256 bytes. */
const ALIGNMENT = 64;

/** Lays all caches of B sequences of at most S positions into one arena. */
export function layoutCaches(
  config: HymbaConfig,
  { B, S }: { B: number; S: number },
): { arena: Arena; caches: LayerCache[] } {
  const { nKvHeads: G, headDim: K, valueHeadDim: Kv, innerDim: I, stateSize: N, convKernel: J, metaTokens: meta } =
    config;
  const taps = config.attentionConv;
  const shapes = layersOf(config).map((layer) => {
    const { index, attention, mamba, window, kvOwner } = layer, slots = cacheSlots(S, { window, meta });
    const { q, k, v } = projectionParts(config, layer);
    return {
      ...(attention && kvOwner === index && { k: [B, slots, G, K], v: [B, slots, G, Kv] }),
      ...(attention && taps > 0 && { heads: [B, taps - 1, q + k + v] }),
      ...(mamba && { conv: [B, J - 1, I] }),
      ...(mamba && config.state === "on" && { scan: [B, I, N] }),
    };
  });
  const room = (shape: readonly number[]) => Math.ceil(sizeOf(shape) / ALIGNMENT) * ALIGNMENT;
  const total = shapes.flatMap((layer) => Object.values(layer)).reduce((sum, shape) => sum + room(shape), 0);
  const arena = new Arena("caches", total);
  let offset = 0;
  const caches = shapes.map((layer, index) => {
    const cache: LayerCache = {};
    for (const [part, shape] of Object.entries(layer)) {
      const storage = new Storage(`${index}.${part}`, sizeOf(shape), "f32", { arena, offset });
      cache[part as keyof LayerCache] = tensorOver(storage, shape);
      offset += room(shape);
    }
    return cache;
  });
  return { arena, caches };
}

/** One position at a time, for B sequences side by side. */
export class OnePosition implements Mixing {
  readonly position: Tensor;
  readonly #caches: readonly LayerCache[];

  constructor(
    private readonly tape: Tape,
    private readonly config: HymbaConfig,
    { position, caches }: { position: Tensor; caches: readonly LayerCache[] },
  ) {
    this.position = position;
    this.#caches = caches;
  }

  attend({ q, own }: { q: Tensor; own?: KeysAndValues }, { layer, into }: Place): Tensor {
    const { position } = this, see = { window: layer.window, meta: this.config.metaTokens };
    const kCache = this.#cache(layer.kvOwner, "k"), vCache = this.#cache(layer.kvOwner, "v");
    if (own) cacheAppend(this.tape, { ...own, kCache, vCache, position }, see);
    return attentionDecode(this.tape, { q, kCache, vCache, position }, { ...see, into });
  }

  convolve(
    inputs: { x: Tensor; w: Tensor; bias: Tensor },
    { layer, into, of }: Place & { of: "conv" | "heads" },
  ): Tensor {
    return convStep(this.tape, { ...inputs, state: this.#cache(layer.index, of) }, { into });
  }

  scan(inputs: ScanInputs, { layer, into }: Place): Tensor {
    return scanStep(this.tape, { ...inputs, state: this.#cache(layer.index, "scan") }, { into });
  }

  #cache(layer: number, part: keyof LayerCache): Tensor {
    const found = this.#caches[layer]?.[part];
    if (!found) throw new HymbaError(`decoding: layer ${layer} has no cache ${part}`);
    return found;
  }
}
