/** The launches that a step becomes on the CPU: one or more calls of hand-written kernels, each over numbered blocks. */
import { type DType, sizeOf, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";
import type { OpName, StepNamed } from "../ops/registry.ts";

/** An argument that a kernel reads as f32. */
export interface Float {
  readonly f32: number;
}

/** A tensor is passed as the address of its first element, undefined as address 0, a number as i32. */
export type Argument = Tensor | Float | number | undefined;

/** One kernel over blocks 0 … blocks − 1. No two blocks write the same memory, so any thread may take any block. */
export interface Launch {
  readonly kernel: string;
  /** In the order of the fields of the kernel's argument class. */
  readonly args: Readonly<Record<string, Argument>>;
  readonly blocks: number;
  /** Elements of private memory that a thread needs for a block. */
  readonly workspace?: number;
}

/** The context of a lowering. */
export interface LowerContext {
  /** Memory that lives for this step only. */
  scratch(name: string, shape: readonly number[], dtype?: DType): Tensor;
  /** Scratch memory of forward steps that their backward steps read, by a storage that the forward step writes and the other reads. */
  readonly kept: Map<Storage, Tensor>;
}

/** How an executor computes the steps of one op. */
export type Lowering<N extends OpName> = (step: StepNamed<N>, context: LowerContext) => Launch[];

export const float = (value: number): Float => ({ f32: value });

/** Numbers as arguments that a kernel reads as f32. */
export const floats = (values: Readonly<Record<string, number>>): Record<string, Float> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, float(value)]));

export const isTensor = (argument: Argument): argument is Tensor =>
  typeof argument === "object" && "storage" in argument;

/** The context of one plan. Its scratch tensors are plain storages, found by liveness like all others. */
export const newContext = (): LowerContext => ({
  scratch: (name, shape, dtype = "f32") => tensorOver(new Storage(`scratch ${name}`, sizeOf(shape), dtype), shape),
  kept: new Map(),
});

/** The row strides of tensors as arguments: that of `q` is `strideQ`. */
export const stridesOf = (tensors: Readonly<Record<string, Tensor | undefined>>): Record<string, number | undefined> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, x]) => [`stride${name.charAt(0).toUpperCase()}${name.slice(1)}`, x?.rowStride]),
  );

/** Rows per block so that a block has about `elements` elements: enough to pay for its start, and few enough that all threads get blocks. */
export const rowsPerBlock = (columns: number, elements = 8192): number =>
  Math.max(1, Math.round(elements / Math.max(1, columns)));
