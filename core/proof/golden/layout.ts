/** Conversions between the separate tensors of a golden file and the packed tensors of the engine. */
import { at } from "../../lists.ts";
import type { GoldenTensor } from "./file.ts";
import type { Pick } from "./recording.ts";

const zerosFor = (parts: readonly GoldenTensor[]) =>
  new Float32Array(parts.reduce((sum, { data }) => sum + data.length, 0));

/** Concatenates the rows of the parts: [..., I] and [..., I] become [..., 2, I]. */
export function packColumns(parts: readonly GoldenTensor[]): Float32Array<ArrayBuffer> {
  const packed = zerosFor(parts), width = parts.reduce((sum, { shape }) => sum + at(shape, -1), 0);
  let start = 0;
  for (const { data, shape } of parts) {
    const columns = at(shape, -1);
    for (const [i, value] of data.entries()) packed[Math.floor(i / columns) * width + start + i % columns] = value;
    start += columns;
  }
  return packed;
}

/** Columns [start, start + columns) of rows of `width`. */
export function columnsOf({ start, columns, width }: { start: number; columns: number; width: number }): Pick {
  const place = (i: number) => Math.floor(i / columns) * width + start + i % columns;
  return (values) => Float64Array.from({ length: values.length / width * columns }, (_, i) => at(values, place(i)));
}

/** Concatenates the parts, one below the other. */
export function packRows(parts: readonly GoldenTensor[]): Float32Array<ArrayBuffer> {
  const packed = zerosFor(parts);
  let start = 0;
  for (const { data } of parts) {
    packed.set(data, start);
    start += data.length;
  }
  return packed;
}

/** Elements [start, start + length). */
export const partOf = ({ start, length }: { start: number; length: number }): Pick => (values) =>
  values.subarray(start, start + length);

/** The identity matrix [n, n]. With these weights, an op that multiplies first uses its input unchanged. */
export function identity(n: number): Float32Array<ArrayBuffer> {
  const matrix = new Float32Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * (n + 1)] = 1;
  return matrix;
}
