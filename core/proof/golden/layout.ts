/** From the separate tensors of a golden file to the packed ones of the engine, and back. */
import type { GoldenTensor } from "./file.ts";
import type { Pick } from "./recording.ts";

/** Columns of the parts of each row one after the other: [..., I] and [..., I] become [..., 2, I]. */
export function packColumns(parts: readonly GoldenTensor[]): Float32Array<ArrayBuffer> {
  const widths = parts.map(({ shape }) => shape.at(-1)!), width = widths.reduce((sum, part) => sum + part, 0);
  const packed = new Float32Array(parts.reduce((sum, { data }) => sum + data.length, 0));
  let start = 0;
  parts.forEach(({ data }, at) => {
    const columns = widths[at]!;
    for (let i = 0; i < data.length; i++) packed[Math.floor(i / columns) * width + start + i % columns] = data[i]!;
    start += columns;
  });
  return packed;
}

/** Columns [start, start + columns) of rows of `width`. */
export const columnsOf = ({ start, columns, width }: { start: number; columns: number; width: number }): Pick =>
(
  values,
) =>
  Float64Array.from(
    { length: values.length / width * columns },
    (_, i) => values[Math.floor(i / columns) * width + start + i % columns]!,
  );

/** The parts as rows one below the other. */
export function packRows(parts: readonly GoldenTensor[]): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(parts.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of parts) packed.set(data, at), at += data.length;
  return packed;
}

/** Elements [start, start + length). */
export const partOf = ({ start, length }: { start: number; length: number }): Pick => (values) =>
  values.subarray(start, start + length);

/** The identity matrix [n, n]: with it as weights, an op that multiplies first takes its input as the product. */
export function identity(n: number): Float32Array<ArrayBuffer> {
  const matrix = new Float32Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * (n + 1)] = 1;
  return matrix;
}
