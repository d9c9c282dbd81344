/** The ops that look at other positions: the one thing in which whole sequences and one position at a time differ. */
import type { HymbaConfig, Layer } from "../config/mod.ts";
import { attention } from "../ops/attention.ts";
import { causalConv } from "../ops/causal_conv.ts";
import { type ScanInputs, selectiveScan } from "../ops/selective_scan.ts";
import type { Tape, Tensor } from "../tensor/mod.ts";

/** Keys (after rotary) and values that a layer attends to. */
export interface KeysAndValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** What the attention of a layer worked with; the attention maps are drawn from it. */
export interface AttentionTrace extends KeysAndValues {
  readonly q: Tensor;
  readonly lse: Tensor;
}

/** Where an op writes its result: into a tensor that is there, or into one of its own. */
export interface Place {
  readonly layer: Layer;
  readonly into?: Tensor;
}

/** B sequences side by side, T positions of each: all of them, or one when decoding. */
export interface Mixing {
  /** [1] u32: the position of the first row. Without it that is 0. */
  readonly position?: Tensor;
  /** `own` is absent in a layer that uses the keys and values of its owner. Shapes: q [B, T, H, K]; returns [B, T, H, Kv]. */
  attend(inputs: { q: Tensor; own?: KeysAndValues }, place: Place): Tensor;
  /** `of`: the convolution in front of the scan, or that on queries, keys and values. Shapes: x [B, T, I], w [I, J], bias [I]; returns [B, T, I]. */
  convolve(inputs: { x: Tensor; w: Tensor; bias: Tensor }, place: Place & { of: "conv" | "heads" }): Tensor;
  /** See ScanInputs; returns [B, T, I]. */
  scan(inputs: ScanInputs, place: Place): Tensor;
}

/** What the recording of a layer needs. */
export interface LayerContext {
  readonly config: HymbaConfig;
  readonly layer: Layer;
  /** Finds a parameter of the layer by its short name. */
  parameters(name: string): Tensor;
  /** [positions, 2, K / 2]; models without attention have none. */
  readonly rotaryTable?: Tensor;
  readonly mixing: Mixing;
}

/** Whole sequences, as in training and evaluation. */
export class WholeSequences implements Mixing {
  /** By layer; undefined where a layer has no attention. */
  readonly traces: (AttentionTrace | undefined)[] = [];

  /** `crop`: text positions that local attention cuts off its keys; 0 but in the leak experiment. */
  constructor(private readonly tape: Tape, private readonly config: HymbaConfig, private readonly crop = 0) {}

  attend({ q, own }: { q: Tensor; own?: KeysAndValues }, { layer, into }: Place): Tensor {
    const { window, kvOwner, index } = layer, { k, v } = own ?? this.traces[kvOwner]!;
    const see = { window, meta: this.config.metaTokens, crop: window > 0 ? this.crop : 0, into };
    const { o, lse } = attention(this.tape, { q, k, v }, see);
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
