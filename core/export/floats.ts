/** The values of a stored tensor as float32. */
import type { StoredTensor } from "../params/safetensors.ts";

/** bf16 is the upper half of a float32. */
function fromBf16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(bits.length);
  for (const [i, half] of bits.entries()) words[i] = half << 16;
  return new Float32Array(words.buffer);
}

/** F32 itself, F16 and BF16 exactly. Any other dtype throws what `refuse` makes. */
export function floatsOf({ dtype, data }: StoredTensor, refuse: () => Error): Float32Array<ArrayBuffer> {
  switch (dtype) {
    case "F32":
      return new Float32Array(data);
    case "F16":
      return Float32Array.from(new Float16Array(data.buffer, data.byteOffset, data.length));
    case "BF16":
      return fromBf16(data);
    default:
      throw refuse();
  }
}
