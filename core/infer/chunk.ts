/** Processes a chunk of positions of each sequence at once, after the positions in caches and states. */
import type { HymbaConfig } from "../config/mod.ts";
import { present } from "../lists.ts";
import type { KeysAndValues, Mixing, Place } from "../nn/mixing.ts";
import { attentionChunk, cacheFill, convChunk, scanChunk } from "../ops/chunk.ts";
import type { Visibility } from "../ops/attention.ts";
import type { ScanInputs } from "../ops/selective_scan.ts";
import type { Tape, Tensor } from "../tensor/mod.ts";
import { cacheOf, type LayerCache } from "./caches.ts";

export class Chunk implements Mixing {
  readonly position: Tensor;
  readonly #count: Tensor;
  readonly #caches: readonly LayerCache[];
  /** The chunk's own keys and values, by the layer that owns them. */
  readonly #own = new Map<number, KeysAndValues & { see: Visibility }>();

  /** `start` and `count` [B] u32: the first position of each sequence, and how many it has in the chunk. */
  constructor(
    private readonly tape: Tape,
    private readonly config: HymbaConfig,
    { start, count, caches }: { start: Tensor; count: Tensor; caches: readonly LayerCache[] },
  ) {
    this.position = start;
    this.#count = count;
    this.#caches = caches;
  }

  attend({ q, own }: { q: Tensor; own?: KeysAndValues }, { layer, into }: Place): Tensor {
    const see = { window: layer.window, meta: this.config.metaTokens }, owner = layer.kvOwner;
    if (own) this.#own.set(owner, { ...own, see });
    const { k, v } = present(this.#own.get(owner), `the keys of layer ${owner}`);
    const kCache = cacheOf(this.#caches, owner, "k"), vCache = cacheOf(this.#caches, owner, "v");
    return attentionChunk(this.tape, { q, k, v, kCache, vCache, start: this.position }, { ...see, into });
  }

  convolve(
    inputs: { x: Tensor; w: Tensor; bias: Tensor },
    { layer, into, of }: Place & { of: "conv" | "heads" },
  ): Tensor {
    const state = cacheOf(this.#caches, layer.index, of);
    return convChunk(this.tape, { ...inputs, state, count: this.#count }, { into });
  }

  scan(inputs: ScanInputs, { layer, into }: Place): Tensor {
    const state = cacheOf(this.#caches, layer.index, "scan");
    return scanChunk(this.tape, { ...inputs, state, count: this.#count }, { into });
  }

  /**
   * Puts the chunk's keys and values into the caches. Call it after all layers, because layers that share a cache read its
   * earlier content.
   */
  fill(): void {
    for (const [owner, { k, v, see }] of this.#own) {
      const kCache = cacheOf(this.#caches, owner, "k"), vCache = cacheOf(this.#caches, owner, "v");
      cacheFill(this.tape, { k, v, kCache, vCache, start: this.position, count: this.#count }, see);
    }
  }
}
