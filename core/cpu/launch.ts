/** What a step becomes on the CPU: one or more calls of hand-written kernels, each over numbered blocks. */
import { type DType, sizeOf, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";
import type { OpName, StepNamed } from "../ops/registry.ts";

/** An argument that a kernel reads as f32. */
export interface Float {
  readonly f32: number;
}

/** A tensor is passed as the address of its first element, nothing as address 0, a number as i32. */
export type Argument = Tensor | Float | number | undefined;

/** One kernel over blocks 0 … blocks − 1. A block writes what no other block writes, so any thread may take it. */
export interface Launch {
  readonly kernel: string;
  /** In the order of the fields of the kernel's argument class. */
  readonly args: Readonly<Record<string, Argument>>;
  readonly blocks: number;
  /** Elements of memory that each thread needs for itself while it works on a block. */
  readonly workspace?: number;
}

/** What a lowering may ask for. */
export interface LowerContext {
  /** Memory that lives for this step only. */
  scratch(name: string, shape: readonly number[], dtype?: DType): Tensor;
  /** Scratch that a forward step leaves to its backward step in the same plan, by a storage that the one writes and the other reads. */
  readonly kept: Map<Storage, Tensor>;
}

/** How an executor carries out the steps of one op. */
export type Lowering<N extends OpName> = (step: StepNamed<N>, context: LowerContext) => Launch[];

export const float = (value: number): Float => ({ f32: value });

export const isTensor = (argument: Argument): argument is Tensor =>
  typeof argument === "object" && "storage" in argument;

/** The context of one plan. Its scratch tensors are plain storages, found by liveness like all others. */
export const newContext = (): LowerContext => ({
  scratch: (name, shape, dtype = "f32") => tensorOver(new Storage(`scratch ${name}`, sizeOf(shape), dtype), shape),
  kept: new Map(),
});

/** Rows per block so that a block has about `elements` elements: enough to pay for its start, few enough to share out. */
export const rowsPerBlock = (columns: number, elements = 8192): number =>
  Math.max(1, Math.round(elements / Math.max(1, columns)));
