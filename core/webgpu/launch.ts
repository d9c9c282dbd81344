/** The launches that a step becomes on WebGPU: one or more dispatches of hand-written kernels. */
import { HymbaError } from "../errors.ts";
import type { AdapterClass } from "../device/types.ts";
import { type DType, sizeOf, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";
import type { AttributesNamed, OpName, StepNamed } from "../ops/registry.ts";

import type { MatrixUnit } from "./matrix_unit.ts";
import { candidatesOf, MATMUL_TILES, type MatmulTile, shapeKey, type TileChoices } from "./tiles.ts";

/** A WGSL file. Its bindings are numbered 0, 1, … in the order reads, then writes. */
export interface Kernel {
  readonly name: string;
  readonly code: string;
  /** Members of its `struct Run`, if it has one: constants that come with each launch instead of being compiled in. */
  readonly run: readonly string[];
}

/** A kernel from its file, with the shared files that it needs before it. */
export function kernel(name: string, ...pieces: readonly string[]): Kernel {
  // A checkout on Windows may have ended the lines with \r\n.
  const code = afterEnable(pieces.join("\n").replaceAll("\r\n", "\n")),
    block = /^struct Run \{([^}]*)\}/m.exec(code)?.[1] ?? "";
  return { name, code, run: [...block.matchAll(/(\w+): u32,/g)].map(([, member = ""]) => member) };
}

/** A kernel with `const` lines in front. WGSL needs the lengths of arrays in registers as such constants. */
export const specialised = ({ name, code, run }: Kernel, lengths: Readonly<Record<string, number>>): Kernel => ({
  run,
  name: [name, ...Object.entries(lengths).map(([length, value]) => `${length}=${value}`)].join(" "),
  code: afterEnable(code, Object.entries(lengths).map(([length, value]) => `const ${length} = ${value}u;\n`).join("")),
});

/** Moves the `enable` lines of the joined files to the start, where WGSL wants them, and puts `more` after them. */
function afterEnable(code: string, more = ""): string {
  const enables = code.match(/^enable \w+;\n/gm) ?? [];
  return [...enables, more, code.replace(/^enable \w+;\n/gm, "")].join("");
}

/** One dispatch. Launches with the same kernel and the same `override` constants share a pipeline. */
export interface Launch {
  readonly kernel: Kernel;
  /** Values of the kernel's `override` constants, and of the members of its `struct Run`. */
  readonly constants: Readonly<Record<string, number>>;
  readonly reads: readonly Tensor[];
  /** Written, or read and written. */
  readonly writes: readonly Tensor[];
  /** Workgroups in x, y, z. */
  readonly grid: readonly [number, number, number];
}

/** The constants that are compiled into the pipeline. */
export const overridesOf = ({ kernel: { run }, constants }: Launch): Record<string, number> =>
  Object.fromEntries(Object.entries(constants).filter(([name]) => !run.includes(name)));

/** The contents of the uniform block `run`: u32 each, in the order of its members. */
export function runBlockOf({ kernel: { name, run }, constants }: Launch): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(run, (member) => {
    const value = constants[member];
    if (value === undefined) throw new HymbaError(`kernel ${name}: no value for run.${member}`);
    return value;
  });
}

/** The context of a lowering. */
export interface LowerContext {
  readonly adapterClass: AdapterClass;
  /** Invocations of a subgroup; 0 where subgroup operations are missing or the number is not fixed. */
  readonly subgroupSize: number;
  /** Invocations that share a row (lib/sum_over_lanes): one subgroup on software adapters, where barriers are slow. */
  readonly rowLanes: number;
  /** Spans of a scan through workgroup memory; set by tests and benchmarks, otherwise chosen by shape. */
  readonly scanSpans?: number;
  /** Spans of the queries that see only meta tokens of a block of keys; set by tests, otherwise chosen by shape. */
  readonly metaSpans?: number;
  /** Whether products that are marked `f16` round their operands to it. */
  readonly f16Products: boolean;
  /** What computes those products where tensor cores are asked for. */
  readonly matrixUnit?: MatrixUnit;
  /** The tuned or recorded tile for the shape of a product; undefined if there is none. */
  tileOf(attributes: AttributesNamed<"matmul">): MatmulTile | undefined;
  /** Scratch memory of forward steps that their backward steps read, by a storage that the forward step writes and the other reads. */
  readonly kept: Map<Storage, Tensor>;
  /** Memory that lives for this step only. */
  scratch(name: string, shape: readonly number[], dtype?: DType): Tensor;
}

/** A launch, and the index of its step in the plan. */
export type PlannedLaunch = Launch & { readonly step: number };

/** How an executor computes the steps of one op. */
export type Lowering<N extends OpName> = (step: StepNamed<N>, context: LowerContext) => Launch[];

/** A context whose scratch tensors are plain storages, found by liveness like all others. */
export function lowerContext(
  adapterClass: AdapterClass,
  { subgroupSize, f16Products, matrixUnit, tiles = {} }: {
    subgroupSize: number;
    f16Products: boolean;
    matrixUnit?: MatrixUnit;
    tiles?: TileChoices;
  },
): LowerContext {
  const scratch = (name: string, shape: readonly number[], dtype: DType = "f32") =>
    tensorOver(new Storage(`scratch ${name}`, sizeOf(shape), dtype), shape);
  const rowLanes = adapterClass === "software" ? subgroupSize || 4 : 64;
  const usable = candidatesOf(adapterClass, { subgroupSize });
  const tileOf = (attributes: AttributesNamed<"matmul">) => {
    const name = tiles[shapeKey(attributes)];
    return name !== undefined && usable.includes(name) ? MATMUL_TILES[name] : undefined;
  };
  const own = { adapterClass, subgroupSize, rowLanes, f16Products, tileOf, kept: new Map(), scratch };
  return matrixUnit ? { ...own, matrixUnit } : own;
}

const MOST_GROUPS = 65535;

/** A grid of `groups` workgroups in a row; more than one dimension can hold continue in y: index = y · groups.x + x. */
export function linearGrid(groups: number): [number, number, number] {
  if (groups <= MOST_GROUPS) return [groups, 1, 1];
  const y = Math.ceil(groups / MOST_GROUPS);
  return [Math.ceil(groups / y), y, 1];
}

/** The places of several tensors as constants; see {@link placeOf}. */
export const placesOf = (tensors: Readonly<Record<string, Tensor>>): Record<string, number> =>
  Object.assign({}, ...Object.entries(tensors).map(([name, x]) => placeOf(name, x)));

/** The place of a tensor as constants: `<name>_OFFSET` and `<name>_STRIDE`, in elements of its storage. */
export function placeOf(name: string, x: Tensor): Record<string, number> {
  return { [`${name}_OFFSET`]: x.offset, [`${name}_STRIDE`]: x.rowStride };
}
