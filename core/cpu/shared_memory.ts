/** The memory that all threads share: a first-fit allocator, and views of tensors. */
import { HymbaError } from "../errors.ts";
import type { Data } from "../plan/mod.ts";
import { ELEMENT_BYTES, isContiguous, type Tensor } from "../tensor/mod.ts";
import { at } from "../lists.ts";

const PAGE = 65536;
/** Most bytes of a WebAssembly memory with 32-bit addresses. */
export const MOST_BYTES = 65536 * PAGE;
/** Nothing is allocated below this address: address 0 means "absent", and the constants of the module are here. */
const RESERVED = PAGE;
/** Room for what the threads share, so that an executor opens also where no tensor fits, and then says what is needed. */
const LEAST_BYTES = RESERVED + 4096;
/** Bytes of a cache line. No two blocks share one, and vectors are aligned. */
const ALIGNMENT = 256;

interface Span {
  start: number;
  bytes: number;
}

const MEBIBYTE = 2 ** 20;
const mebibytes = (bytes: number) => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;

/** The memory limit of a container around this process (bytes). */
export interface Container {
  readonly limit: number;
  /** What is in use before the first tensor. */
  readonly inUse: number;
  /** What the process may still need besides its tensors. */
  readonly beside: number;
}

const aligned = (bytes: number) => Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);

/** Bytes that blocks of these sizes take together. */
export const blockBytes = (sizes: readonly number[]): number => sizes.reduce((sum, bytes) => sum + aligned(bytes), 0);

export class SharedHeap {
  /** The most bytes that all allocations may take together. */
  readonly most: number;
  readonly memory: WebAssembly.Memory;
  readonly #free: Span[] = [];
  readonly #taken = new Map<number, number>();
  #end = RESERVED;

  constructor(readonly container?: Container) {
    const { limit, inUse, beside } = container ?? { limit: Infinity, inUse: 0, beside: 0 };
    this.most = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, limit - inUse - beside));
    this.memory = new WebAssembly.Memory({ initial: RESERVED / PAGE, maximum: MOST_BYTES / PAGE, shared: true });
  }

  /** Bytes in use. */
  get usedBytes(): number {
    return [...this.#taken.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Blocks in use. */
  get blocks(): number {
    return this.#taken.size;
  }

  /** Throws a HymbaError with numbers when blocks of these sizes do not fit; allocates nothing. */
  require(sizes: readonly number[], who: string): void {
    const wanted = blockBytes(sizes);
    if (this.usedBytes + RESERVED + wanted > this.most) throw this.#refusal(wanted, who);
  }

  #refusal(wanted: number, who: string): HymbaError {
    const used = this.usedBytes + RESERVED, { container } = this, room = Math.max(0, this.most - used);
    const message = `${who}: not enough memory for the CPU executor`,
      smaller = "--remat, a smaller batch, sequence length";
    if (!container || this.most === MOST_BYTES) {
      return new HymbaError(message, {
        expected: `at most ${room} bytes (WebAssembly memory holds ${MOST_BYTES}, ${used} are in use)`,
        got: `${wanted} bytes`,
        hint: `${smaller} or model (--preset quick), or --backend webgpu`,
      });
    }
    const { limit, inUse, beside } = container, least = inUse + beside + used + wanted;
    return new HymbaError(message, {
      expected: `at most ${mebibytes(room)} of tensors: this container's memory limit is ${
        mebibytes(limit)
      }, of which ${mebibytes(inUse)} are in use, ${mebibytes(beside)} are kept for the program itself, and ${
        mebibytes(used)
      } are other tensors`,
      got: `${mebibytes(wanted)} of tensors`,
      hint: `a memory limit of ${Math.ceil(least / MEBIBYTE)} MiB or more, or ${smaller} or model`,
    });
  }

  /** The address of a new block, aligned to a cache line. Its content is undefined. */
  allocate(bytes: number, who: string): number {
    const size = aligned(bytes);
    const span = this.#free.find(({ bytes }) => bytes >= size);
    const start = span ? span.start : this.#extend(size, who);
    if (span) {
      span.start += size;
      span.bytes -= size;
      if (span.bytes === 0) this.#free.splice(this.#free.indexOf(span), 1);
    }
    this.#taken.set(start, size);
    return start;
  }

  free(address: number): void {
    const bytes = this.#taken.get(address);
    if (bytes === undefined) throw new HymbaError(`memory at ${address} is not allocated`);
    this.#taken.delete(address);
    this.#free.push({ start: address, bytes });
    this.#free.sort((a, b) => a.start - b.start);
    for (let i = this.#free.length - 1; i > 0; i--) {
      const before = at(this.#free, i - 1), after = at(this.#free, i);
      if (before.start + before.bytes === after.start) {
        before.bytes += after.bytes;
        this.#free.splice(i, 1);
      }
    }
  }

  floats(address: number, count: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer, address, count);
  }

  words(address: number, count: number): Int32Array<SharedArrayBuffer> {
    return new Int32Array(this.#buffer, address, count);
  }

  /** Copies numbers into a tensor whose storage starts at `base`, row by row. */
  write(tensor: Tensor, base: number, data: Data): void {
    const { rows, columns, rowStride } = tensor;
    if (data.length !== rows * columns) {
      throw new HymbaError(`${tensor.name}: ${data.length} numbers for [${tensor.shape}]`);
    }
    const to = this.#span(tensor, base);
    if (isContiguous(tensor)) to.set(data);
    else {for (let row = 0; row < rows; row++) {
        to.set(data.subarray(row * columns, (row + 1) * columns), row * rowStride);
      }}
  }

  /** A copy of a tensor's numbers, row by row. */
  read(tensor: Tensor, base: number): Data {
    const { rows, columns, rowStride } = tensor, from = this.#span(tensor, base);
    const out = tensor.dtype === "u32" ? new Uint32Array(rows * columns) : new Float32Array(rows * columns);
    if (isContiguous(tensor)) out.set(from);
    else {for (let row = 0; row < rows; row++) {
        out.set(from.subarray(row * rowStride, row * rowStride + columns), row * columns);
      }}
    return out;
  }

  #span({ rows, columns, rowStride, offset, dtype }: Tensor, base: number): Float32Array | Uint32Array {
    const elements = rows === 0 ? 0 : (rows - 1) * rowStride + columns, start = base + offset * ELEMENT_BYTES;
    return dtype === "u32"
      ? new Uint32Array(this.#buffer, start, elements)
      : new Float32Array(this.#buffer, start, elements);
  }

  get #buffer(): SharedArrayBuffer {
    return this.memory.buffer as unknown as SharedArrayBuffer;
  }

  #extend(size: number, who: string): number {
    const last = this.#free.at(-1);
    const joins = last !== undefined && last.start + last.bytes === this.#end;
    const start = joins ? last.start : this.#end, end = start + size;
    const pages = Math.ceil(end / PAGE) - this.memory.buffer.byteLength / PAGE;
    if (end > this.most) throw this.#refusal(size, who);
    try {
      if (pages > 0) this.memory.grow(pages);
    } catch (cause) {
      throw new HymbaError(`${who}: this machine has no more memory`, { got: `${size} bytes wanted`, cause });
    }
    if (joins) this.#free.pop();
    this.#end = end;
    return start;
  }
}
