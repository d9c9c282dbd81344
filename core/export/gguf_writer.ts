/** The GGUF file format, version 3. Source: ggml, `docs/gguf.md`. */
import { HymbaError } from "../errors.ts";

/** Numbers of the types of values. */
const TYPE = { u8: 0, u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
/** Number of the type of float32 tensors. */
const F32 = 0;
const VERSION = 3, ALIGNMENT = 32;

/** A value of the metadata. */
export type GgufValue =
  | { readonly type: "u32" | "f32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "array"; readonly of: "u8" | "i32" | "f32"; readonly value: ArrayLike<number> }
  | { readonly type: "array"; readonly of: "string"; readonly value: readonly string[] };

/** A float32 tensor. The shape is row-major, as everywhere here. */
export interface GgufTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

const encoder = new TextEncoder();
const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Bytes that grow. */
class Bytes {
  #bytes = new Uint8Array(2 ** 16);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  /** Makes room for `size` bytes more and returns where they begin. */
  #next(size: number): number {
    const start = this.length, needed = start + size;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(2 * needed);
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.length = needed;
    return start;
  }

  scalar(type: "u8" | "u32" | "i32" | "f32", value: number): void {
    const at = this.#next(type === "u8" ? 1 : 4);
    if (type === "u8") this.#view.setUint8(at, value);
    else if (type === "u32") this.#view.setUint32(at, value, true);
    else if (type === "i32") this.#view.setInt32(at, value, true);
    else this.#view.setFloat32(at, value, true);
  }

  u64(value: number): void {
    const at = this.#next(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#next(bytes.length);
    this.#bytes.set(bytes, at);
  }

  string(text: string): void {
    const bytes = encoder.encode(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }

  /** Writes the type and then the value. */
  value(value: GgufValue): void {
    this.scalar("u32", TYPE[value.type]);
    if (value.type === "string") return this.string(value.value);
    if (value.type === "bool") return this.scalar("u8", Number(value.value));
    if (value.type !== "array") return this.scalar(value.type, value.value);
    this.scalar("u32", TYPE[value.of]);
    this.u64(value.value.length);
    if (value.of === "string") { for (const text of value.value) this.string(text); }
    else for (let i = 0; i < value.value.length; i++) this.scalar(value.of, value.value[i] ?? 0);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }
}

/** Name, dimensions (the last one first), type and place of each tensor. */
function describe(bytes: Bytes, tensors: readonly GgufTensor[]): number {
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    if (shape.reduce((product, n) => product * n, 1) !== data.length) {
      throw new HymbaError(`GGUF: tensor ${name} has ${data.length} numbers`, { expected: `shape [${shape}]` });
    }
    bytes.string(name);
    bytes.scalar("u32", shape.length);
    for (const size of shape.toReversed()) bytes.u64(size);
    bytes.scalar("u32", F32);
    bytes.u64(offset);
    offset += aligned(data.byteLength);
  }
  return offset;
}

/** The bytes of a file. Tensors are in the given order, each at a multiple of 32 bytes. */
export function encodeGguf(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Uint8Array<ArrayBuffer> {
  const head = new Bytes(), entries = Object.entries(metadata);
  head.raw(encoder.encode("GGUF"));
  head.scalar("u32", VERSION);
  head.u64(tensors.length);
  head.u64(entries.length);
  for (const [key, value] of entries) {
    head.string(key);
    head.value(value);
  }
  const size = describe(head, tensors), start = aligned(head.length), whole = new Uint8Array(start + size);
  whole.set(head.finish());
  let at = start;
  for (const { data } of tensors) {
    whole.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += aligned(data.byteLength);
  }
  return whole;
}
