/** The task of every engine: a model of the shape `peers`, its initial values, one batch, and AdamW with clipping. */
import type { HymbaConfig } from "../../../../core/config/mod.ts";
import { benchShape } from "../../../../core/bench/shapes.ts";
import { benchTokens } from "../../../../core/bench/step.ts";
import { at } from "../../../../core/lists.ts";
import { initialValues } from "../../../../core/params/start_values.ts";
import { parameterSpecs } from "../../../../core/params/specs.ts";
import { ADAMW } from "../../../../core/train/schedule.ts";

export const OPTIMIZER = { ...ADAMW, rate: 1e-3, decay: 0.1 };

/** A parameter of this engine. The matrix of a linear layer is [outputs, inputs]. */
export interface Start {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
  readonly decay: boolean;
}

export interface Task {
  readonly model: string;
  readonly config: HymbaConfig;
  readonly B: number;
  readonly T: number;
  readonly starts: readonly Start[];
  /** [B, T] each. All steps have the same batch, so the loss must fall. */
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
}

/** An engine that is ready to train. */
export interface Trainee {
  /** Number of trainable values. */
  readonly parameters: number;
  /** Queues one step: forward, backward, clipping, AdamW. */
  step(): Promise<void> | void;
  /** The loss of the last step; waits for it. */
  loss(): Promise<number>;
}

export interface Peer {
  readonly name: string;
  open(task: Task, where: { adapter: string }): Promise<Trainee>;
}

export const MODELS: readonly string[] = ["transformer-global", "mamba"];

export function taskOf(model: string): Task {
  const { arms, B, T } = benchShape("peers", { models: [model] }), { config } = at(arms, 0);
  const starts = parameterSpecs(config).map((spec, index) => ({
    name: spec.name,
    shape: spec.shape,
    decay: spec.decay,
    values: initialValues(spec, { seed: 1, index }),
  }));
  return { model, config, B, T, starts, ...benchTokens({ B, T, V: config.vocabSize }) };
}

/** cos and sin [T, K/2] of the rotary embedding. */
export function rotaryOf({ config: { headDim: K, ropeBase }, T }: Task) {
  const half = K / 2, angle = (i: number) => Math.floor(i / half) / ropeBase ** (2 * (i % half) / K);
  const table = (of: (x: number) => number) => Float32Array.from({ length: T * half }, (_, i) => of(angle(i)));
  return { cos: table(Math.cos), sin: table(Math.sin), shape: [T, half] };
}

/**
 * The values and shape of a parameter in other engines. They multiply by [inputs, outputs], so the matrix of a linear layer is transposed.
 */
export function peerLayout({ name, values, shape }: Start): Pick<Start, "values" | "shape"> {
  const [rows = 1, columns = 1] = shape;
  if (shape.length !== 2 || !/_proj|gate_up|down/.test(name)) return { values, shape };
  const transposed = new Float32Array(values.length);
  for (const [i, value] of values.entries()) transposed[i % columns * rows + Math.floor(i / columns)] = value;
  return { values: transposed, shape: [columns, rows] };
}
