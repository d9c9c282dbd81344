/** One unit of work of a plan. */
import type { Tensor } from "./tensor.ts";

/** Scalars of a step: sizes, switches (0 or 1), small constants. */
export type Attributes = Readonly<Record<string, number>>;

/** One unit of work, neutral to executors: what is read, what is written, and the scalars between. */
export interface Step {
  readonly op: string;
  readonly attributes: Attributes;
  readonly reads: Readonly<Record<string, Tensor>>;
  readonly writes: Readonly<Record<string, Tensor>>;
  /** Names of writes that are added to what is there, where others replace it. */
  readonly accumulate: readonly string[];
  /** Multiplications and additions that the mathematics needs. */
  readonly flops: number;
}
