/**
 * 16-bit floats from the bits of f32, rounded to nearest, ties to even. Infinities and NaN are kept. Subnormal numbers are rounded
 * as well. Two 16-bit floats share a word of 32 bits.
 * Source: IEEE 754-2019, binary16; bfloat16 is the upper half of binary32.
 */
import { zeros } from "./typed_array.ts";
import type { Reference } from "./types.ts";

const bytes = new DataView(new ArrayBuffer(4));

/** The 32 bits of `value` as f32. */
function bitsOf(value: number): number {
  bytes.setFloat32(0, value);
  return bytes.getUint32(0);
}

/** The f32 number that has these 32 bits. */
function valueOf(pattern: number): number {
  bytes.setUint32(0, pattern);
  return bytes.getFloat32(0);
}

/** `whole` / 2^drop, rounded to the nearest integer, ties to even. */
function roundedShift(whole: number, drop: number): number {
  const kept = Math.floor(whole / 2 ** drop), rest = whole - kept * 2 ** drop, half = 2 ** (drop - 1);
  return rest > half || (rest === half && kept % 2 === 1) ? kept + 1 : kept;
}

/** The 16 bits of the float nearest to `value`, which is rounded to f32 first. */
export function toHalf(value: number, exponentBits: number): number {
  const pattern = bitsOf(value), sign = pattern >>> 31, size = pattern & 0x7fffffff;
  const mantissaBits = 15 - exponentBits,
    drop = 23 - mantissaBits,
    infinity = (2 ** exponentBits - 1) * 2 ** mantissaBits;
  const signed = (half: number) => sign * 0x8000 + half;
  if (size > 0x7f800000) return signed((size >>> drop & (2 ** mantissaBits - 1)) | infinity | 2 ** (mantissaBits - 1));
  // The smallest normal number of the format has the exponent `least` in f32, where exponents are biased by 127.
  const least = 128 - 2 ** (exponentBits - 1) + 1, exponent = size >>> 23;
  if (exponentBits === 8 || exponent >= least) {
    return signed(Math.min(infinity, roundedShift(size - (least - 1) * 2 ** 23, drop)));
  }
  const whole = exponent === 0 ? size : (size & 0x7fffff) + 0x800000;
  return signed(roundedShift(whole, drop + least - Math.max(exponent, 1)));
}

/** The number that has these 16 bits. Every 16-bit float is also an f32. */
export function fromHalf(pattern: number, exponentBits: number): number {
  const mantissaBits = 15 - exponentBits, up = 23 - mantissaBits;
  const sign = pattern & 0x8000 ? -1 : 1, size = pattern & 0x7fff, exponent = size >>> mantissaBits;
  if (exponentBits === 8) return valueOf((pattern << 16) >>> 0);
  if (exponent === 2 ** exponentBits - 1) {
    return valueOf(((pattern & 0x8000) << 16 | 0x7f800000 | (size & (2 ** mantissaBits - 1)) << up) >>> 0);
  }
  const rest = size & (2 ** mantissaBits - 1), bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 0) return sign * rest * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + rest / 2 ** mantissaBits) * 2 ** (exponent - bias);
}

/** The nearest number that the format holds. */
export const rounded = (value: number, exponentBits: number): number =>
  fromHalf(toHalf(value, exponentBits), exponentBits);

/** Word j of a row holds columns 2j (low half) and 2j + 1 (high half). */
export const packHalves: Reference<"pack_halves"> = ({ x }, { R, C, W, exponentBits }) => {
  const words = zeros(R, W);
  for (let r = 0; r < R; r++) {
    for (let c = 0; c < C; c++) {
      const half = toHalf(x.at(r, c), exponentBits);
      words.add(c % 2 === 0 ? half : half * 0x10000, r, c >> 1);
    }
  }
  return { words };
};

/** The inverse of `packHalves`. */
export const unpackHalves: Reference<"unpack_halves"> = ({ words }, { R, C, exponentBits }) => {
  const x = zeros(R, C);
  for (let r = 0; r < R; r++) {
    for (let c = 0; c < C; c++) {
      const word = words.at(r, c >> 1), half = c % 2 === 0 ? word % 0x10000 : Math.floor(word / 0x10000);
      x.set(fromHalf(half, exponentBits), r, c);
    }
  }
  return { x };
};
