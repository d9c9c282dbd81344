/** Random cases of the ops that mix positions: attention, the scan, and one step of each with its state. */
import { attention } from "../../core/ops/attention.ts";
import { attentionMap } from "../../core/ops/attention_map.ts";
import { attentionDecode, cacheAppend, cacheSlots, convStep, scanStep } from "../../core/ops/decode.ts";
import { linear } from "../../core/ops/linear.ts";
import { selectiveScan } from "../../core/ops/selective_scan.ts";
import { fillNormal, fillUniform } from "../../core/random.ts";
import { HALF_FORMATS, sliceColumns, type Tape, type Tensor, withRows } from "../../core/tensor/mod.ts";
import type { Dice } from "../fuzz/dice.ts";
import type { InputMaker, OpCase } from "../ops/harness.ts";
import { attentionChunkCase, stateChunkCase } from "../ops/chunk_cases.ts";
import { storedScan, storedSwiglu } from "../ops/stored_halves.ts";
import { croppedAttention } from "../../core/ops/cropped_attention.ts";

type Fill = NonNullable<NonNullable<Parameters<InputMaker>[2]>["fill"]>;

/** Sizes from 1 to `most`; small and odd sizes are frequent. */
export const size = (dice: Dice, most: number): number =>
  Math.min(most, dice.once(3) ? dice.pick([1, 2, 3, 31, 33, 63, 64, 65]) : 1 + dice.below(most));

interface AttentionSizes {
  B: number;
  T: number;
  H: number;
  G: number;
  K: number;
  Kv: number;
  window: number;
  meta: number;
}

/** In half of the cases widths are multiples of 4, so that kernels load four numbers at a time. */
function attentionOf(dice: Dice): AttentionSizes {
  const G = 1 + dice.below(3), fours = dice.once(2);
  return {
    B: 1 + dice.below(2),
    T: size(dice, 70),
    G,
    H: G * (1 + dice.below(3)),
    K: fours ? 4 * (1 + dice.below(10)) : 1 + dice.below(20),
    Kv: fours ? 4 * (1 + dice.below(18)) : 1 + dice.below(36),
    window: dice.once(2) ? 0 : 1 + dice.below(40),
    meta: dice.once(2) ? 0 : dice.below(20),
  };
}

/** Queries, keys and values: separate tensors, or slices of one projection, as in a model. */
function headsOf(
  input: InputMaker,
  { B, T, H, G, K, Kv, fused, fill }: AttentionSizes & { fused: boolean; fill?: Fill },
): { q: Tensor; k: Tensor; v: Tensor } {
  if (!fused) {
    return {
      q: withRows(input("q", [B, T, H, K], { fill }), 2),
      k: withRows(input("k", [B, T, G, K]), 2),
      v: withRows(input("v", [B, T, G, Kv]), 2),
    };
  }
  const wide = input("projected", [B, T, H * K + G * K + G * Kv], { fill });
  return {
    q: sliceColumns(wide, 0, [H, K]),
    k: sliceColumns(wide, H * K, [G, K]),
    v: sliceColumns(wide, (H + G) * K, [G, Kv]),
  };
}

/** Scores so large that one key has nearly all the weight. */
const large: Fill = (data, counter) => fillNormal(data, counter, { deviation: 6 });

export function attentionCase(dice: Dice): OpCase {
  const sizes = attentionOf(dice), fused = dice.once(3), shared = !fused && dice.once(3);
  const fill = dice.once(6) ? large : undefined, { B, T, H, K, window, meta } = sizes;
  // The leaky mask needs meta tokens in front and leaves exactly one window.
  const crop = window > 0 && meta > 0 && T > meta + window && dice.once(2) ? T - meta - window : 0;
  return {
    withoutCotangent: ["lse"],
    build: (tape, input) => {
      const { q, k, v } = headsOf(input, { ...sizes, fused, fill });
      const first = crop > 0
        ? croppedAttention(tape, { q, k, v }, { window, meta, crop })
        : attention(tape, { q, k, v }, { window, meta });
      if (!shared) return { ...first };
      // A second layer uses the same keys and values, so their gradients are summed.
      const second = attention(tape, { q: withRows(input("q2", [B, T, H, K]), 2), k, v }, { window, meta });
      return { ...first, second: second.o };
    },
  };
}

export function attentionMapCase(dice: Dice): OpCase {
  const sizes = { ...attentionOf(dice), B: 1 }, fused = dice.once(2);
  return {
    withoutCotangent: ["lse", "p"],
    build: (tape, input) => {
      const { q, k, v } = headsOf(input, { ...sizes, fused }), { lse } = attention(tape, { q, k, v }, sizes);
      return { lse, p: attentionMap(tape, { q, k, lse }, sizes) };
    },
  };
}

/** The operands of a scan: separate tensors, or slices of wider ones, as in a model. */
function operandsOf(
  tape: Tape,
  input: InputMaker,
  { B, T, I, N, sliced, fill }: { B: number; T: number; I: number; N: number; sliced: boolean; fill?: Fill },
): { udt: Tensor; bc: Tensor; z: Tensor; other?: Tensor } {
  if (!sliced) {
    const udt = withRows(input("udt", [B, T, 2, I], { fill }), 2), bc = withRows(input("bc", [B, T, 2, N]), 2);
    return { udt, bc, z: input("z", [B, T, I]) };
  }
  const wide = input("wide", [B, T, 2 * I]), packed = input("packed", [B, T, 2 * I + 2 * N], { fill });
  return {
    udt: sliceColumns(packed, 0, [2, I]),
    bc: sliceColumns(packed, 2 * I, [2, N]),
    z: sliceColumns(wide, I, [I]),
    // Every slice of a tensor needs a use, or the tape refuses its gradient.
    other: linear(tape, { x: sliceColumns(wide, 0, [I]), w: input("w", [1, I]) }),
  };
}

export function scanCase(dice: Dice): OpCase {
  const B = 1 + dice.below(2), T = size(dice, 100), I = size(dice, 140);
  const N = dice.pick([1, 2, 3, 4, 5, 8, 16, 16, 17, 32]);
  const bare = dice.once(4), started = dice.once(3), sliced = !bare && dice.once(3), step = dice.pick([-6, -2, 1, 4]);
  const softplus = dice.once(5) ? 0 : 1, fill: Fill | undefined = softplus ? undefined : fillUniform;
  return {
    withoutCotangent: ["states"],
    build: (tape, input) => {
      const aLog = input("aLog", [I, N], { fill: (data, counter) => fillUniform(data, counter, { high: 2.7 }) });
      const h0 = started ? input("h0", [B, I, N]) : undefined;
      if (bare) {
        const udt = withRows(input("udt", [B, T, 2, I], { fill }), 2), bc = withRows(input("bc", [B, T, 2, N]), 2);
        return selectiveScan(tape, { udt, bc, aLog, h0 }, { softplus });
      }
      const { other, ...operands } = operandsOf(tape, input, { B, T, I, N, sliced, fill });
      const dtBias = input("dtBias", [I], {
        fill: (data, counter) => {
          (fill ?? fillNormal)(data, counter);
          if (softplus) { for (let i = 0; i < data.length; i++) data[i]! += step; }
        },
      });
      const scanned = selectiveScan(tape, { ...operands, aLog, skip: input("skip", [I]), dtBias, h0 }, { softplus });
      return other ? { ...scanned, other } : scanned;
    },
  };
}

/** The content of cache slots that no position has filled. No kernel may read them. */
const filledTo = (filled: number, { S, columns }: { S: number; columns: number }): Fill => (data, counter) =>
  fillNormal(data, counter).forEach((_, i) => {
    if (Math.floor(i / columns) % S >= filled) data[i] = NaN;
  });

/** Scores that differ by hundreds: without subtracting the highest one they overflow. One key has all the weight. */
const huge: Fill = (data, counter) => fillNormal(data, counter, { deviation: 300 });

/** A third of the cases has more slots than a kernel takes at a time, and values wider than a workgroup. */
export function decodeCase(dice: Dice): OpCase {
  const { B, H, G, K, Kv: narrow, window, meta } = attentionOf(dice), large = dice.once(3);
  const Kv = large ? 260 + dice.below(9) : narrow, see = large ? { window: 0, meta } : { window, meta };
  const T = large ? 257 + dice.below(300) : size(dice, 70);
  const S = cacheSlots(T, see), at = large || dice.once(3) ? T - 1 : dice.below(T), fused = dice.once(2);
  const fill = dice.once(4) ? huge : undefined, filled = Math.min(at, S);
  return {
    // Sometimes two scores in the hundreds are nearly equal, and their difference is mostly rounding error.
    ...(fill && { bounds: { output: 1e-3, gradient: 1e-3 } }),
    withoutCotangent: ["o", "kCache", "vCache"],
    build: (tape, input) => {
      const wide = fused ? input("projected", [B, 1, H * K + G * K + G * Kv], { gradient: false, fill }) : undefined;
      const rows = (name: string, start: number, [heads, width]: [number, number]) =>
        wide
          ? sliceColumns(wide, start, [heads, width])
          : withRows(input(name, [B, 1, heads, width], { gradient: false, fill }), 2);
      const cache = (name: string, width: number) =>
        input(name, [B, S, G, width], { gradient: false, fill: filledTo(filled, { S, columns: G * width }) });
      const kCache = cache("kCache", K), vCache = cache("vCache", Kv);
      const caches = { kCache, vCache, position: input("position", [B], { u32: (b) => Math.max(0, at - b) }) };
      cacheAppend(tape, { k: rows("k", H * K, [G, K]), v: rows("v", (H + G) * K, [G, Kv]), ...caches }, see);
      return { o: attentionDecode(tape, { q: rows("q", 0, [H, K]), ...caches }, see), kCache, vCache };
    },
  };
}

export function stepsCase(dice: Dice): OpCase {
  const B = 1 + dice.below(3), I = size(dice, 90), N = 1 + dice.below(20), J = 2 + dice.below(4);
  return {
    withoutCotangent: ["scanned", "state", "convolved", "taps"],
    build: (tape, input) => {
      const plain = (name: string, shape: readonly number[]) => input(name, shape, { gradient: false });
      const state = plain("state", [B, I, N]);
      const scanned = scanStep(tape, {
        udt: withRows(plain("udt", [B, 1, 2, I]), 2),
        bc: withRows(plain("bc", [B, 1, 2, N]), 2),
        aLog: plain("aLog", [I, N]),
        ...(dice.once(3) ? {} : { z: plain("z", [B, 1, I]), skip: plain("skip", [I]), dtBias: plain("dtBias", [I]) }),
        state,
      });
      const taps = plain("taps", [B, J - 1, I]), w = plain("w", [I, J]), x = plain("x", [B, 1, I]);
      const bias = dice.once(3) ? undefined : plain("bias", [I]);
      return { scanned, state, convolved: convStep(tape, { x, w, bias, state: taps }), taps };
    },
  };
}

/** Chunks of positions after caches with no positions, some, or more than a ring holds. */
export function attentionChunkOf(dice: Dice): OpCase {
  const { T, ...sizes } = attentionOf(dice), B = 1 + dice.below(3);
  const starts = Array.from({ length: B }, () => dice.once(3) ? 0 : dice.below(dice.once(3) ? 400 : 40));
  return attentionChunkCase({ ...sizes, T, starts, counts: starts.map(() => dice.below(T + 1)) });
}

export function stateChunkOf(dice: Dice): OpCase {
  const T = size(dice, 70), counts = Array.from({ length: 1 + dice.below(3) }, () => dice.below(T + 1));
  return stateChunkCase({
    T,
    I: size(dice, 90),
    N: 1 + dice.below(20),
    J: 2 + dice.below(4),
    counts,
    bare: dice.once(3),
  });
}

/** Step sizes near softplus(0), where the error of the logarithm series is largest, with little rounding after them. */
export function softplusCase(dice: Dice): OpCase {
  const B = 1 + dice.below(2), I = size(dice, 140);
  const near: Fill = (data, counter) => fillUniform(data, counter, { low: -0.1, high: 0.1 });
  return {
    bounds: { output: 1e-6, gradient: 1e-4 },
    withoutCotangent: ["states"],
    build: (tape, input) => {
      const udt = withRows(input("udt", [B, 1, 2, I], { fill: near }), 2), bc = withRows(input("bc", [B, 1, 2, 1]), 2);
      return selectiveScan(tape, { udt, bc, aLog: input("aLog", [I, 1]) }, { softplus: 1 });
    },
  };
}

/** Ops whose backward pass reads saved activations directly as 16-bit words. */
export function storedCase(dice: Dice): OpCase {
  const saved = dice.pick(HALF_FORMATS), I = size(dice, 140), R = size(dice, 60);
  const whole = dice.once(2) ? storedSwiglu({ R, F: I }) : storedScan({ B: 1, T: R, I, N: dice.pick([1, 4, 16]) });
  return { ...whole, saved };
}
