/** A step is one unit of work of a plan. */
import type { AttributesOf, Op, ReadsOf, WritesOf } from "./op.ts";
import type { Tensor } from "./tensor.ts";

/** The tensors that are read and written, and the attributes. Executors decide how. */
export interface Step<O extends Op = Op> {
  readonly op: O;
  readonly attributes: AttributesOf<O>;
  readonly reads: ReadsOf<O>;
  readonly writes: WritesOf<O>;
  /** Roles of writes that are added to the tensor's numbers. The others replace them. */
  readonly accumulate: readonly string[];
  /** Multiplications and additions that the mathematics needs. */
  readonly flops: number;
}

/** Whether a step is one of this op. */
export const isStepOf = <O extends Op>(step: Step, op: O): step is Step & Step<O> => step.op === (op as Op);

/** The arguments of an op when it is recorded. Optional roles may be undefined. */
export interface Recorded<O extends Op> {
  readonly attributes: AttributesOf<O>;
  readonly reads: ReadsOf<O>;
  readonly writes: WritesOf<O>;
  readonly accumulate?: readonly (keyof WritesOf<O> & string)[];
}

/** A step of an op with given tensors. Undefined roles are left out. */
export function stepOf<O extends Op>(op: O, { attributes, reads, writes, accumulate = [] }: Recorded<O>): Step {
  const present = { reads: presentIn(reads), writes: presentIn(writes) };
  return { op, attributes, ...present, accumulate, flops: op.flops(attributes, present.reads) };
}

function presentIn(tensors: Readonly<Record<string, Tensor | undefined>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).filter((entry): entry is [string, Tensor] => entry[1] !== undefined),
  );
}
