/**
 * 16-bit floats by the bits of f32, round to nearest, ties to even; infinities and NaN stay what they are, and numbers below the
 * normal range keep what the format can hold. Pairs of them in words of 32 bits, as plain loops.
 * Source: IEEE 754-2019, binary16; bfloat16 is the upper half of binary32.
 */
import { need, type Reference } from "./types.ts";

const float = new Float32Array(1), bits = new Uint32Array(float.buffer);

function bitsOf(value: number): number {
  float[0] = value;
  return bits[0]!;
}

function valueOf(pattern: number): number {
  bits[0] = pattern;
  return float[0]!;
}

/** `whole` cut off by `drop` bits and rounded to nearest, ties to even. */
function roundedShift(whole: number, drop: number): number {
  const kept = Math.floor(whole / 2 ** drop), rest = whole - kept * 2 ** drop, half = 2 ** (drop - 1);
  return rest > half || (rest === half && kept % 2 === 1) ? kept + 1 : kept;
}

/** The pattern of the 16-bit float nearest to `value`, which is taken as f32. */
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

/** The f32 number of a pattern; every 16-bit float is one. */
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

/** Reads x [R, C]; makes words [R, ⌈C / 2⌉], column 2j in the low half of word j and column 2j + 1 in the high one. */
export const packHalves: Reference = (reads, { R, C, exponentBits }) => {
  const x = need(reads, "x"), W = Math.ceil(C! / 2), words = new Float64Array(R! * W);
  for (let row = 0; row < R!; row++) {
    for (let column = 0; column < C!; column++) {
      const half = toHalf(x[row * C! + column]!, exponentBits!);
      words[row * W + (column >> 1)]! += column % 2 === 0 ? half : half * 0x10000;
    }
  }
  return { words };
};

/** Reads words [R, ⌈C / 2⌉]; makes x [R, C]. */
export const unpackHalves: Reference = (reads, { R, C, exponentBits }) => {
  const words = need(reads, "words"), W = Math.ceil(C! / 2), x = new Float64Array(R! * C!);
  for (let row = 0; row < R!; row++) {
    for (let column = 0; column < C!; column++) {
      const word = words[row * W + (column >> 1)]!;
      x[row * C! + column] = fromHalf(column % 2 === 0 ? word % 0x10000 : Math.floor(word / 0x10000), exponentBits!);
    }
  }
  return { x };
};
