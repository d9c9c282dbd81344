/** Copies numbers between the host and buffers. */
import { HymbaError } from "../errors.ts";
import type { Data } from "../plan/mod.ts";
import { ELEMENT_BYTES, isContiguous, type Tensor } from "../tensor/mod.ts";

const MAP_READ = 0x01, COPY_DST = 0x08, MODE_READ = 0x01;

/** Throws a HymbaError unless the tensor is contiguous and `data` has as many numbers. */
export function requireContiguous(tensor: Tensor, data: Data): void {
  if (!isContiguous(tensor)) throw new HymbaError(`${tensor.name}: a slice cannot be written from outside`);
  if (data.length !== tensor.rows * tensor.columns) {
    throw new HymbaError(`${tensor.name}: ${data.length} numbers for [${tensor.shape}]`);
  }
}

/** Copies the bytes that a tensor spans, gaps included, to the host. `base` is the storage's first element in the buffer. */
export async function readBuffer(
  { device, failure }: { device: GPUDevice; failure(): HymbaError | undefined },
  buffer: GPUBuffer,
  { tensor, base = 0 }: { tensor: Tensor; base?: number },
): Promise<ArrayBuffer> {
  const elements = tensor.rows === 0 ? 0 : (tensor.rows - 1) * tensor.rowStride + tensor.columns;
  const size = elements * ELEMENT_BYTES;
  const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, (base + tensor.offset) * ELEMENT_BYTES, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  try {
    await staging.mapAsync(MODE_READ);
  } catch (cause) {
    throw failure() ?? new HymbaError(`reading ${tensor.name} from the device failed`, { got: String(cause), cause });
  }
  const copy = staging.getMappedRange().slice(0);
  staging.unmap();
  staging.destroy();
  const problem = failure();
  if (problem) throw problem;
  return copy;
}

/** The numbers of a tensor without the gaps between the rows of a slice. */
export function gathered(tensor: Tensor, raw: ArrayBuffer): Data {
  const all = tensor.dtype === "u32" ? new Uint32Array(raw) : new Float32Array(raw);
  if (isContiguous(tensor)) return all;
  const out = tensor.dtype === "u32"
    ? new Uint32Array(tensor.rows * tensor.columns)
    : new Float32Array(tensor.rows * tensor.columns);
  for (let row = 0; row < tensor.rows; row++) {
    out.set(all.subarray(row * tensor.rowStride, row * tensor.rowStride + tensor.columns), row * tensor.columns);
  }
  return out;
}
