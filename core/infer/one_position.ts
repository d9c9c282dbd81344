/** The decoding ops that use earlier positions. They read and update caches and states. */
import type { HymbaConfig } from "../config/mod.ts";
import type { KeysAndValues, Mixing, Place } from "../nn/mixing.ts";
import { attentionDecode, cacheAppend, convStep, scanStep } from "../ops/decode.ts";
import type { ScanInputs } from "../ops/selective_scan.ts";
import type { Tape, Tensor } from "../tensor/mod.ts";
import { cacheOf, type LayerCache } from "./caches.ts";

/** One position at a time, for a batch of B sequences. */
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
    const kCache = cacheOf(this.#caches, layer.kvOwner, "k"), vCache = cacheOf(this.#caches, layer.kvOwner, "v");
    if (own) cacheAppend(this.tape, { ...own, kCache, vCache, position }, see);
    return attentionDecode(this.tape, { q, kCache, vCache, position }, { ...see, into });
  }

  convolve(
    inputs: { x: Tensor; w: Tensor; bias: Tensor },
    { layer, into, of }: Place & { of: "conv" | "heads" },
  ): Tensor {
    return convStep(this.tape, { ...inputs, state: cacheOf(this.#caches, layer.index, of) }, { into });
  }

  scan(inputs: ScanInputs, { layer, into }: Place): Tensor {
    return scanStep(this.tape, { ...inputs, state: cacheOf(this.#caches, layer.index, "scan") }, { into });
  }
}
