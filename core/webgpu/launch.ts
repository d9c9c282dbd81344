/** What a step becomes on WebGPU: one or more dispatches of hand-written kernels. */
import { type DType, sizeOf, type Step, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";

/** A WGSL file. Its bindings are numbered 0, 1, … in the order reads, then writes. */
export interface Kernel {
  readonly name: string;
  readonly code: string;
}

/** A kernel's file, with the shared pieces that it calls in front. */
export const kernel = (name: string, ...pieces: readonly string[]): Kernel => ({ name, code: pieces.join("\n") });

/** A kernel with constants in front that WGSL needs while it compiles: the lengths of arrays in registers. */
export const specialised = ({ name, code }: Kernel, lengths: Readonly<Record<string, number>>): Kernel => ({
  name: [name, ...Object.entries(lengths).map(([length, value]) => `${length}=${value}`)].join(" "),
  code: [...Object.entries(lengths).map(([length, value]) => `const ${length} = ${value}u;`), code].join("\n"),
});

/** One dispatch. Pipelines are shared by launches with the same kernel and constants. */
export interface Launch {
  readonly kernel: Kernel;
  /** Values of the kernel's `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  readonly reads: readonly Tensor[];
  /** Written, or read and written. */
  readonly writes: readonly Tensor[];
  /** Workgroups in x, y, z. */
  readonly grid: readonly [number, number, number];
}

/** Classes of adapters with tile shapes of their own. */
export type AdapterClass = "discrete" | "integrated" | "apple" | "software";

/** What a lowering may ask for. */
export interface LowerContext {
  readonly adapterClass: AdapterClass;
  /** Invocations of a subgroup; 0 where subgroup operations are missing or the number is not fixed. */
  readonly subgroupSize: number;
  /** Memory that lives for this step only. */
  scratch(name: string, shape: readonly number[], dtype?: DType): Tensor;
}

export type Lowering = (step: Step, context: LowerContext) => Launch[];

/** A context whose scratch tensors are plain storages, found by liveness like all others. */
export function lowerContext(adapterClass: AdapterClass, { subgroupSize }: { subgroupSize: number }): LowerContext {
  const scratch = (name: string, shape: readonly number[], dtype: DType = "f32") =>
    tensorOver(new Storage(`scratch ${name}`, sizeOf(shape), dtype), shape);
  return { adapterClass, subgroupSize, scratch };
}

const MOST_GROUPS = 65535;

/** A grid of `groups` workgroups in a row; beyond the limit of one dimension it goes on in y: index = y · groups.x + x. */
export function linearGrid(groups: number): [number, number, number] {
  if (groups <= MOST_GROUPS) return [groups, 1, 1];
  const y = Math.ceil(groups / MOST_GROUPS);
  return [Math.ceil(groups / y), y, 1];
}

/** The place of a tensor as constants: `<name>_OFFSET` and `<name>_STRIDE`, in elements of its storage. */
export function placeOf(name: string, x: Tensor): Record<string, number> {
  return { [`${name}_OFFSET`]: x.offset, [`${name}_STRIDE`]: x.rowStride };
}
