import { attention } from "../../core/ops/attention.ts";
import { strict as assert } from "node:assert";
import { reshape, sliceColumns, Tape, type Tensor } from "../../core/tensor/mod.ts";
import { checkOp, type InputMaker } from "./harness.ts";
import { croppedAttention } from "../../core/ops/cropped_attention.ts";
import { thorough } from "../thorough.ts";

interface Sizes {
  B?: number;
  T: number;
  H: number;
  G: number;
  K: number;
  Kv: number;
  window?: number;
  meta?: number;
}

const heads = (x: Tensor, { B, T, heads }: { B: number; T: number; heads: number }) =>
  reshape(x, [B, T, heads, x.columns / heads], 2);

function inputs(input: InputMaker, { B = 1, T, H, G, K, Kv }: Sizes) {
  return {
    q: heads(input("q", [B, T, H * K]), { B, T, heads: H }),
    k: heads(input("k", [B, T, G * K]), { B, T, heads: G }),
    v: heads(input("v", [B, T, G * Kv]), { B, T, heads: G }),
  };
}

const CASES: Sizes[] = [
  { T: 1, H: 1, G: 1, K: 1, Kv: 1 },
  { T: 2, H: 2, G: 1, K: 4, Kv: 8 },
  { B: 2, T: 63, H: 4, G: 2, K: 8, Kv: 16 },
  { T: 65, H: 3, G: 3, K: 5, Kv: 7 },
  { T: 65, H: 2, G: 1, K: 6, Kv: 2, window: 9, meta: 3 },
  { T: 65, H: 2, G: 1, K: 4, Kv: 8, window: 9, meta: 3 },
  { T: 70, H: 2, G: 1, K: 4, Kv: 8, window: 40 },
  { B: 2, T: 40, H: 8, G: 4, K: 8, Kv: 8, window: 5, meta: 3 },
  { T: 70, H: 2, G: 2, K: 16, Kv: 32, window: 16 },
  { T: 50, H: 2, G: 1, K: 16, Kv: 16, window: 64, meta: 7 },
  { T: 90, H: 4, G: 1, K: 16, Kv: 16, window: 8, meta: 40 },
  { T: 257, H: 2, G: 1, K: 32, Kv: 64, window: 33, meta: 17 },
  { T: 37, H: 1, G: 1, K: 128, Kv: 128, window: 1 },
  // Long enough for workgroups of their own behind the windows of meta tokens; the second has meta tokens in two blocks of keys.
  { T: 300, H: 2, G: 1, K: 4, Kv: 8, window: 5, meta: 3 },
  { B: 2, T: 331, H: 2, G: 2, K: 5, Kv: 3, window: 9, meta: 40 },
];

for (const [i, sizes] of CASES.entries()) {
  const { T, K, window = 0, meta = 0 } = sizes;
  thorough(`attention ${JSON.stringify(sizes)}`, () =>
    checkOp("attention", {
      build: (tape, input) => attention(tape, inputs(input, sizes), { window, meta }),
      withoutCotangent: ["lse"],
      asGpu: T > 60 && K <= 8,
      differences: 3,
    }), { unless: i === 1 || i === 7 });
}

const CROPPED = [
  { T: 11, H: 2, G: 1, K: 4, Kv: 8, window: 4, meta: 3, crop: 4 },
  { B: 2, T: 70, H: 4, G: 2, K: 8, Kv: 8, window: 9, meta: 5, crop: 56 },
  { T: 97, H: 1, G: 1, K: 6, Kv: 10, window: 48, meta: 1, crop: 48 },
];
for (const [i, sizes] of CROPPED.entries()) {
  thorough(`cropped attention ${JSON.stringify(sizes)}`, () =>
    checkOp("cropped attention", {
      build: (tape, input) => croppedAttention(tape, inputs(input, sizes), sizes),
      withoutCotangent: ["lse"],
      differences: 3,
    }), { unless: i === 0 });
}

Deno.test("cropped keys without meta tokens are refused: some queries would see nothing", () => {
  const tape = new Tape(false), sizes = { B: 1, T: 12, H: 1, G: 1, K: 4, Kv: 4 };
  const input = (name: string, shape: readonly number[]) => tape.input(name, shape);
  assert.throws(
    () => croppedAttention(tape, inputs(input, sizes), { window: 4, meta: 0, crop: 8 }),
    /needs meta tokens before/,
  );
});

/** q, k and v as slices of one projection, so that their gradients are slices of one buffer too. */
function fused(tape: Tape, input: InputMaker, { B = 1, T, H, G, K, Kv, window = 0, meta = 0 }: Sizes) {
  const wide = input("projected", [B, T, H * K + G * K + G * Kv]);
  const slice = (start: number, count: number, length: number) => sliceColumns(wide, start, [count, length]);
  return attention(tape, {
    q: slice(0, H, K),
    k: slice(H * K, G, K),
    v: slice(H * K + G * K, G, Kv),
  }, { window, meta });
}

for (
  const sizes of [
    { B: 2, T: 35, H: 4, G: 2, K: 4, Kv: 8, window: 6, meta: 2 },
    { T: 9, H: 2, G: 1, K: 3, Kv: 5 },
    { T: 260, H: 2, G: 1, K: 4, Kv: 4, window: 6, meta: 2 },
  ]
) {
  thorough(`attention on slices of one projection ${JSON.stringify(sizes)}`, () =>
    checkOp("attention", {
      build: (tape, input) => fused(tape, input, sizes),
      withoutCotangent: ["lse"],
      asGpu: sizes.T > 60,
      differences: 3,
    }));
}

thorough("attention: two layers share keys and values, and add their gradients", () =>
  checkOp("attention", {
    build: (tape, input) => {
      const sizes = { B: 2, T: 21, H: 4, G: 2, K: 4, Kv: 8 };
      const { q, k, v } = inputs(input, sizes);
      const second = heads(input("q2", [2, 21, 16]), { B: 2, T: 21, heads: 4 });
      const a = attention(tape, { q, k, v }, { window: 3, meta: 2 });
      const b = attention(tape, { q: second, k, v }, { window: 3, meta: 2 });
      return { a: a.o, b: b.o };
    },
  }));

thorough("attention: large scores neither overflow nor vanish", () =>
  checkOp("attention", {
    build: (tape, input) => {
      const sizes = { T: 30, H: 2, G: 1, K: 8, Kv: 8 };
      const large = (data: Float32Array) => data.forEach((_, i) => data[i] = 6 * Math.sin(i * 1.7));
      const q = heads(input("q", [1, 30, 16], { fill: large }), { B: 1, T: 30, heads: 2 });
      return attention(tape, { ...inputs(input, sizes), q }, { window: 5, meta: 3 });
    },
    withoutCotangent: ["lse"],
    differenceBound: 1e-5,
  }));
