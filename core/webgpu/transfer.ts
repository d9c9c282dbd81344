/** Copies numbers between the host and buffers. */
import { HymbaError } from "../errors.ts";
import type { Data } from "../plan/mod.ts";
import { ELEMENT_BYTES, isContiguous, type Tensor } from "../tensor/mod.ts";

const MAP_READ = 0x01, COPY_DST = 0x08, MODE_READ = 0x01;

/** Small reads recur, so their staging buffers are kept: of this many bytes each, and as many as were in use at one time. */
const KEPT_BYTES = 64 * 1024;
const keptStaging = new WeakMap<GPUDevice, GPUBuffer[]>();

function takeStaging(device: GPUDevice, size: number): GPUBuffer {
  const kept = size <= KEPT_BYTES ? keptStaging.get(device)?.pop() : undefined;
  return kept ?? device.createBuffer({ size: Math.max(size, KEPT_BYTES), usage: MAP_READ | COPY_DST });
}

function giveStaging(device: GPUDevice, staging: GPUBuffer): void {
  if (staging.size > KEPT_BYTES) return staging.destroy();
  const kept = keptStaging.get(device) ?? [];
  kept.push(staging);
  keptStaging.set(device, kept);
}

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
  const size = elements * ELEMENT_BYTES, staging = takeStaging(device, size);
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, (base + tensor.offset) * ELEMENT_BYTES, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  try {
    await staging.mapAsync(MODE_READ, 0, size);
  } catch (cause) {
    throw failure() ?? new HymbaError(`reading ${tensor.name} from the device failed`, { got: String(cause), cause });
  }
  const copy = staging.getMappedRange(0, size).slice(0);
  staging.unmap();
  giveStaging(device, staging);
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
