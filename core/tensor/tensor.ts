/**
 * Tensors without numbers: each has a shape and a place in a storage.
 *
 * A tensor has `rows` rows of `columns` contiguous elements, and rows begin `rowStride` elements apart. A whole tensor has
 * rowStride = columns. A slice of the last dimensions of a wider tensor (the queries of a fused projection, say) keeps the wider
 * stride, so that no kernel has to copy it.
 */
import { HymbaError } from "../errors.ts";
import type { Packed } from "./half_formats.ts";

export type DType = "f32" | "u32";

/** A large allocation that outlives programs: parameters, gradients, moments, caches. Executors allocate it at first use. */
export class Arena {
  constructor(readonly name: string, readonly elements: number) {}
}

/** The memory of one or more tensors. If it is not in an arena, the planner assigns it a slot. */
export class Storage {
  constructor(
    readonly name: string,
    readonly elements: number,
    readonly dtype: DType,
    /** The place of a pinned storage: an arena, and the index of the first element in it. */
    readonly pinned?: { arena: Arena; offset: number },
  ) {}
}

/** A shape over a storage. `offset` and `rowStride` count elements from the storage's first. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly storage: Storage;
  readonly offset: number;
  /** How many leading dimensions count rows; the others are columns. */
  readonly lead: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  /** Set on u32 tensors whose words hold pairs of 16-bit floats; sizes above then count words. */
  readonly packed?: Packed;
}

/** The place of a storage in its arena. Throws a HymbaError when it is not in one. */
export function pinOf(storage: Storage): { arena: Arena; offset: number } {
  if (!storage.pinned) throw new HymbaError(`${storage.name} is not in an arena`);
  return storage.pinned;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Bytes of one element of any dtype here. */
export const ELEMENT_BYTES = 4;

/** A whole tensor over a storage; all dimensions but the last count rows unless `lead` says otherwise. */
export function tensorOver(
  storage: Storage,
  shape: readonly number[],
  { offset = 0, lead = Math.max(shape.length - 1, 0) }: { offset?: number; lead?: number } = {},
): Tensor {
  const rows = sizeOf(shape.slice(0, lead)), columns = sizeOf(shape.slice(lead));
  return {
    name: storage.name,
    shape: [...shape],
    dtype: storage.dtype,
    storage,
    offset,
    lead,
    rows,
    columns,
    rowStride: columns,
  };
}

interface Dimensions {
  readonly 1: [number];
  readonly 2: [number, number];
  readonly 3: [number, number, number];
  readonly 4: [number, number, number, number];
}

/** The lengths of a tensor's dimensions. Throws a HymbaError unless it has `rank` of them. */
export function dimsOf<R extends keyof Dimensions>(x: Tensor, rank: R): Dimensions[R] {
  if (x.shape.length !== rank) {
    throw new HymbaError(`${describe(x)} has ${x.shape.length} dimensions`, { expected: `${rank}` });
  }
  return x.shape as unknown as Dimensions[R];
}

/** True if the elements of a tensor have no gaps between them. */
export const isContiguous = (x: Tensor): boolean => x.rows === 1 || x.rowStride === x.columns;

/** The same elements under another shape. Of a slice, only the columns may be split: [B,T,H·K] to [B,T,H,K]. */
export function reshape(x: Tensor, shape: readonly number[], lead?: number): Tensor {
  if (sizeOf(shape) !== sizeOf(x.shape)) {
    throw new HymbaError(`reshape: ${describe(x)} cannot become [${shape}]`, {
      expected: `${sizeOf(x.shape)} elements`,
    });
  }
  if (isContiguous(x)) return { ...tensorOver(x.storage, shape, { offset: x.offset, lead }), name: x.name };
  const at = lead ?? x.lead;
  if (sizeOf(shape.slice(0, at)) !== x.rows) {
    throw new HymbaError(`reshape: the slice ${describe(x)} has ${x.rows} rows, which [${shape}] would break`);
  }
  return { ...x, shape: [...shape], lead: at };
}

/** The same tensor with `lead` leading dimensions as rows: [B,T,H,K] with lead 2 has B·T rows of H·K columns. */
export const withRows = (x: Tensor, lead: number): Tensor => lead === x.lead ? x : reshape(x, x.shape, lead);

/** Columns [start, start + size of tail) of each row, shaped as the leading dimensions of x followed by `tail`. */
export function sliceColumns(x: Tensor, start: number, tail: readonly number[]): Tensor {
  const columns = sizeOf(tail);
  if (start < 0 || start + columns > x.columns) {
    throw new HymbaError(`slice: columns ${start} to ${start + columns} of ${describe(x)} do not exist`);
  }
  return { ...x, shape: [...x.shape.slice(0, x.lead), ...tail], offset: x.offset + start, columns };
}

/** Name and shape for messages. */
export const describe = (x: Tensor): string => `${x.name} [${x.shape}]`;

/** Throws unless x has the expected shape. `who` names the op, `legend` the shape letters. */
export function expectShape(x: Tensor, shape: readonly number[], who: string): void {
  if (x.shape.length !== shape.length || x.shape.some((length, i) => length !== shape[i])) {
    throw new HymbaError(`${who}: ${x.name} is [${x.shape}], expected [${shape}]`);
  }
}
