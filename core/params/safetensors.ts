/**
 * The safetensors file format, strictly: eight bytes header length (little-endian), a JSON header, the data of all tensors
 * without holes. Source: https://github.com/huggingface/safetensors, "Format".
 */
import { counted, HymbaError, quoted } from "../errors.ts";
import { type HeaderEntry, readHeader } from "./safetensors_header.ts";
import { at } from "../lists.ts";

export { HEADER_LIMITS } from "./safetensors_header.ts";

/** The array that holds each dtype on the host. F16 and BF16 stay raw bits: nothing here computes with them. */
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  I64: BigInt64Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  U8: Uint8Array,
} as const;

/** A dtype this program reads and writes. */
export type StoredDtype = keyof typeof ARRAYS;

type ArrayOf<D extends StoredDtype> = InstanceType<(typeof ARRAYS)[D]>;

/** A tensor in a file: dtype, shape (row-major; `[]` is a scalar) and its data. */
export type StoredTensor = {
  [D in StoredDtype]: { dtype: D; shape: readonly number[]; data: ArrayOf<D> };
}[StoredDtype];

/** The content of a safetensors file. */
export interface SafetensorsFile {
  tensors: Record<string, StoredTensor>;
  metadata: Record<string, string>;
}

/** Longest header that is read, in bytes. */
export const MAX_HEADER_BYTES = 16 * 2 ** 20;

export const LENGTH_BYTES = 8;
const isDtype = (dtype: string): dtype is StoredDtype => Object.hasOwn(ARRAYS, dtype);
const byCodeUnit = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;

/** Number of elements; NaN when it is beyond 2^53 - 1. */
function elements(shape: readonly number[]): number {
  let product = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return NaN;
    product *= size;
    if (!Number.isSafeInteger(product)) return NaN;
  }
  return product;
}

function checkStored(name: string, { dtype, shape, data }: StoredTensor): void {
  const what = `safetensors: tensor ${quoted(name)}`;
  if (name === "__metadata__" || !name.isWellFormed()) throw new HymbaError(`${what} cannot be stored under this name`);
  if (!(data instanceof ARRAYS[dtype])) {
    throw new HymbaError(`${what} has the wrong array`, { expected: ARRAYS[dtype].name, got: `${dtype} data` });
  }
  if (elements(shape) !== data.length) {
    throw new HymbaError(`${what} has ${data.length} elements`, { expected: `shape [${shape}]` });
  }
}

/**
 * The bytes of a safetensors file. The same tensors and metadata give the same bytes, whatever the order of their keys. Data
 * is ordered by element size, largest first, then by name, so each tensor starts at a multiple of its element size.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const sorted = Object.entries(tensors).sort(([nameA, a], [nameB, b]) =>
    b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || byCodeUnit(nameA, nameB)
  );
  const members: string[] = [];
  if (Object.keys(metadata).length > 0) {
    const pairs = Object.entries(metadata).sort(([a], [b]) => byCodeUnit(a, b));
    members.push(`"__metadata__":{${pairs.map((pair) => pair.map((s) => JSON.stringify(s)).join(":")).join(",")}}`);
  }
  let length = 0;
  for (const [name, tensor] of sorted) {
    checkStored(name, tensor);
    const data_offsets = [length, length += tensor.data.byteLength];
    members.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype: tensor.dtype, shape: tensor.shape, data_offsets })}`,
    );
  }
  const json = new TextEncoder().encode(`{${members.join(",")}}`);
  // Files that could not be read again are not written.
  readHeader(json, { name: "a safetensors file to be written", start: 0, end: json.length });
  const start = LENGTH_BYTES + Math.ceil(json.length / 8) * 8;
  if (start - LENGTH_BYTES > MAX_HEADER_BYTES) throw new HymbaError("safetensors: the header would exceed 16 MiB");
  const bytes = new Uint8Array(start + length).fill(0x20, LENGTH_BYTES, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - LENGTH_BYTES), true);
  bytes.set(json, LENGTH_BYTES);
  let at = start;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** The entry's dtype. Throws unless it is known and the entry has the bytes that its shape needs. */
function checkedDtype(file: string, { name, dtype, shape, begin, end }: HeaderEntry): StoredDtype {
  const what = `${file}: tensor ${quoted(name)}`;
  if (!isDtype(dtype)) {
    throw new HymbaError(`${what} has dtype ${quoted(dtype)}`, { expected: Object.keys(ARRAYS).join(", ") });
  }
  const bytes = elements(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(bytes)) throw new HymbaError(`${what}: shape [${shape}] exceeds 2^53 - 1 bytes`);
  if (end - begin !== bytes) {
    throw new HymbaError(`${what} has data_offsets [${begin}, ${end}]`, {
      expected: `${counted(bytes, "byte")} for ${dtype} of shape [${shape}]`,
      got: counted(end - begin, "byte"),
    });
  }
  return dtype;
}

/** Throws unless the entries, in order of their offsets, cover the data exactly once. */
function checkCoverage(file: string, { entries, length }: { entries: HeaderEntry[]; length: number }): void {
  let covered = 0;
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin === covered && end <= length) {
      covered = end;
      continue;
    }
    const fault = begin < covered
      ? "overlaps another tensor"
      : begin > covered
      ? "leaves a hole"
      : "ends after the file";
    throw new HymbaError(`${file}: tensor ${quoted(name)} ${fault}`, {
      expected: `data_offsets from ${covered}, at most ${length}`,
      got: `[${begin}, ${end}]`,
    });
  }
  if (covered !== length) {
    throw new HymbaError(`${file}: ${counted(length - covered, "byte")} after the last tensor`, { expected: "none" });
  }
}

/** A file by its name and its length in bytes. */
interface WholeFile {
  readonly name: string;
  readonly length: number;
}

/** Where the data starts in the file, after checking the header's length. */
function dataStart(bytes: Uint8Array, { name, length: whole }: WholeFile): number {
  if (whole < LENGTH_BYTES) {
    throw new HymbaError(`${name}: ${counted(whole, "byte")}, too few for a safetensors file`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length <= MAX_HEADER_BYTES && length <= whole - LENGTH_BYTES) return LENGTH_BYTES + Number(length);
  throw new HymbaError(`${name}: byte 0: the safetensors header claims ${length} bytes`, {
    expected: `at most ${Math.min(MAX_HEADER_BYTES, whole - LENGTH_BYTES)}`,
    hint: "the file is damaged or not a safetensors file",
  });
}

/** A tensor's data as its array, in place when it is aligned. */
function viewOf(
  data: Uint8Array<ArrayBuffer>,
  { dtype, shape, begin, end }: HeaderEntry & { dtype: StoredDtype },
): StoredTensor {
  const ArrayType = ARRAYS[dtype];
  const size = ArrayType.BYTES_PER_ELEMENT;
  const aligned = (data.byteOffset + begin) % size === 0
    ? data.subarray(begin, end)
    : new Uint8Array(data.subarray(begin, end));
  const array = new ArrayType(aligned.buffer, aligned.byteOffset, (end - begin) / size);
  return { dtype, shape, data: array } as StoredTensor;
}

/** Reads and checks the header. `bytes` has at least the header of the file. Throws as {@link decodeSafetensors} does. */
export function checkHeader(bytes: Uint8Array<ArrayBuffer>, { name, length }: WholeFile) {
  const start = dataStart(bytes, { name, length });
  const { entries, metadata } = readHeader(bytes, { name, start: LENGTH_BYTES, end: start });
  const dtypes = entries.map((entry) => checkedDtype(name, entry));
  checkCoverage(name, { entries, length: length - start });
  return { start, entries, dtypes, metadata };
}

/**
 * Reads a safetensors file. The tensors are views into `bytes` where the alignment allows it, copies elsewhere; the result is
 * valid as long as `bytes` is not written to. `name`: the name of the file in errors.
 *
 * Throws a HymbaError that names the byte or the tensor when the header exceeds 16 MiB or another of its limits, is not
 * exactly the format's grammar, names a tensor twice, holds a number beyond 2^53 - 1 or an unknown dtype, or when the tensors
 * do not cover the data once.
 */
export function decodeSafetensors(bytes: Uint8Array<ArrayBuffer>, { name }: { name: string }): SafetensorsFile {
  const { start, entries, dtypes, metadata } = checkHeader(bytes, { name, length: bytes.length });
  const data = bytes.subarray(start);
  const tensors = entries.map((entry, i) => [entry.name, viewOf(data, { ...entry, dtype: at(dtypes, i) })] as const);
  return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(metadata) };
}
