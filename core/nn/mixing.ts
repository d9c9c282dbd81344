/** The ops that use other positions. Only these differ between whole sequences and decoding one position at a time. */
import type { HymbaConfig, Layer } from "../config/mod.ts";
import { present } from "../lists.ts";
import { attention } from "../ops/attention.ts";
import { croppedAttention } from "../ops/cropped_attention.ts";
import { causalConv } from "../ops/causal_conv.ts";
import { type ScanInputs, selectiveScan } from "../ops/selective_scan.ts";
import type { Tape, Tensor } from "../tensor/mod.ts";

/** Keys (after rotary) and values that a layer attends to. */
export interface KeysAndValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** The inputs of a layer's attention and its log-sum-exp, from which attention maps are drawn. */
export interface AttentionTrace extends KeysAndValues {
  readonly q: Tensor;
  readonly lse: Tensor;
}

/** A branch of a layer: both where one tensor holds attention and Mamba side by side. */
export type BranchName = "attention" | "mamba" | "both";

/** Changes that an analysis makes while whole sequences are recorded. Training and generation make none. */
export interface Interventions {
  /** Replaces a branch's output y before its output projection: returns y itself, or a tensor of its shape. */
  branch?(y: Tensor, at: { readonly layer: Layer; readonly of: BranchName; readonly tape: Tape }): Tensor;
  /** The keys that the queries of a layer see. */
  see?(layer: Layer): { readonly window: number; readonly meta: number };
}

/** The layer of an op, and the tensor for its result. Without `into` the op makes one. */
export interface Place {
  readonly layer: Layer;
  readonly into?: Tensor;
}

/** The ops on B sequences of T positions. T is 1 in decoding. */
export interface Mixing {
  /** The first position of each sequence, [B] u32. It is 0 without this. */
  readonly position?: Tensor;
  /** See {@link Interventions}. */
  branch?(y: Tensor, at: { readonly layer: Layer; readonly of: BranchName }): Tensor;
  /** `own` is absent when the layer uses the keys and values of another layer. Shapes: q [B, T, H, K]; returns [B, T, H, Kv]. */
  attend(inputs: { q: Tensor; own?: KeysAndValues }, place: Place): Tensor;
  /**
   * `of`: the convolution before the scan, or the one on queries, keys and values. Shapes: x [B, T, I], w [I, J], bias [I];
   * returns [B, T, I].
   */
  convolve(inputs: { x: Tensor; w: Tensor; bias: Tensor }, place: Place & { of: "conv" | "heads" }): Tensor;
  /** See ScanInputs; returns [B, T, I]. */
  scan(inputs: ScanInputs, place: Place): Tensor;
}

/** The context in which a layer is recorded. */
export interface LayerContext {
  readonly config: HymbaConfig;
  readonly layer: Layer;
  /** Finds a parameter of the layer by its short name. */
  parameters(name: string): Tensor;
  /** For all positions, or where the mixing has a `position` a `longRotaryTable`; models without attention have none. */
  readonly rotaryTable?: Tensor;
  readonly mixing: Mixing;
}

/** The ops on whole sequences, for training and evaluation. */
export class WholeSequences implements Mixing {
  /** By layer; undefined for a layer without attention. */
  readonly traces: (AttentionTrace | undefined)[] = [];

  /** `crop`: text positions that local attention drops from its keys. Only the leak experiment drops any. */
  constructor(
    private readonly tape: Tape,
    private readonly config: HymbaConfig,
    private readonly crop = 0,
    private readonly interventions: Interventions = {},
  ) {}

  branch(y: Tensor, at: { readonly layer: Layer; readonly of: BranchName }): Tensor {
    return this.interventions.branch?.(y, { ...at, tape: this.tape }) ?? y;
  }

  attend({ q, own }: { q: Tensor; own?: KeysAndValues }, { layer, into }: Place): Tensor {
    const { kvOwner, index } = layer;
    const { window, meta } = this.interventions.see?.(layer) ?? { window: layer.window, meta: this.config.metaTokens };
    const { k, v } = present(own ?? this.traces[kvOwner], `the keys of layer ${kvOwner}`);
    const see = { window, meta, into };
    const { o, lse } = window > 0 && this.crop > 0
      ? croppedAttention(this.tape, { q, k, v }, { ...see, crop: this.crop })
      : attention(this.tape, { q, k, v }, see);
    this.traces[index] = { q, k, v, lse };
    return o;
  }

  convolve(inputs: { x: Tensor; w: Tensor; bias: Tensor }, { into }: Place): Tensor {
    return causalConv(this.tape, inputs, { into });
  }

  scan(inputs: ScanInputs, { into }: Place): Tensor {
    return selectiveScan(this.tape, inputs, { into }).y;
  }
}
