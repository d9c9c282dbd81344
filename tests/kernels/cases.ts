/** Random cases of every op: shapes, slices, windows and switches are drawn; every draw is a legal case. */
import { attention } from "../../core/ops/attention.ts";
import { attentionMap } from "../../core/ops/attention_map.ts";
import { causalConv } from "../../core/ops/causal_conv.ts";
import { attentionDecode, cacheAppend, cacheSlots, convStep, embedStep, scanStep } from "../../core/ops/decode.ts";
import { embedding } from "../../core/ops/embedding.ts";
import { fusion } from "../../core/ops/fusion.ts";
import { packedLike, packHalves, unpackHalves } from "../../core/ops/halves.ts";
import { linear } from "../../core/ops/linear.ts";
import { linearLogp } from "../../core/ops/linear_logp.ts";
import { lossScale } from "../../core/ops/loss_scale.ts";
import { nllLoss, orpoLoss } from "../../core/ops/losses.ts";
import { adamw, gradientNorm, SCHEDULE_LENGTH } from "../../core/ops/optimizer.ts";
import { rmsnorm } from "../../core/ops/rmsnorm.ts";
import { rotary, rotaryTable } from "../../core/ops/rotary.ts";
import { selectiveScan } from "../../core/ops/selective_scan.ts";
import { swiglu } from "../../core/ops/swiglu.ts";
import { textRows } from "../../core/ops/text_rows.ts";
import { fillNormal, fillUniform } from "../../core/random.ts";
import { HALF_FORMATS, sliceColumns, type Tape, type Tensor, withRows } from "../../core/tensor/mod.ts";
import type { Dice } from "../fuzz/dice.ts";
import type { InputMaker, OpCase } from "../ops/harness.ts";

/** Sizes from 1 to `most`, the small and the odd ones often. */
const size = (dice: Dice, most: number) =>
  Math.min(most, dice.once(3) ? dice.pick([1, 2, 3, 31, 33, 63, 64, 65]) : 1 + dice.below(most));

/** An input that is whole, or a slice of a wider one whose gradient nobody asks for. */
function part(input: InputMaker, name: string, { lead, tail, dice, fill }: {
  lead: readonly number[];
  tail: readonly number[];
  dice: Dice;
  fill?: (data: Float32Array, counter: Parameters<typeof fillNormal>[1]) => void;
}): Tensor {
  const columns = tail.reduce((product, length) => product * length, 1);
  if (!dice.once(3)) return sliceColumns(input(name, [...lead, columns], { fill }), 0, tail);
  const before = dice.pick([0, 1, 3, 4, 8]), behind = dice.pick([0, 1, 4, 5]);
  return sliceColumns(input(name, [...lead, before + columns + behind], { gradient: false, fill }), before, tail);
}

const positive = (data: Float32Array, counter: Parameters<typeof fillUniform>[1]) =>
  fillUniform(data, counter, { low: 0.01, high: 1 });
const negative = (low: number) => (data: Float32Array, counter: Parameters<typeof fillUniform>[1]) =>
  fillUniform(data, counter, { low, high: -0.01 });
const share = (every: number) => (data: Float32Array) =>
  data.forEach((_, i) => data[i] = i % every === every - 1 ? 0 : 1);

/** Width of a normalised row: of one number the norm is its sign, whose gradient is rounding. */
const normed = (dice: Dice) => 3 + size(dice, 300);

/** Numbers so small, sometimes, that the epsilon of a norm counts. */
const scaled = (dice: Dice) => {
  const deviation = dice.pick([1, 1e-3]);
  return (data: Float32Array, counter: Parameters<typeof fillNormal>[1]) => fillNormal(data, counter, { deviation });
};

function normOf(dice: Dice): OpCase {
  const R = size(dice, 90), D = normed(dice), residual = dice.once(2), fill = scaled(dice);
  return {
    build: (tape, input) => {
      const w = input("w", [D]);
      if (!residual) {
        return { y: rmsnorm(tape, { x: part(input, "x", { lead: [R], tail: [D], dice, fill }), w }, { eps: 1e-5 }).y };
      }
      return rmsnorm(tape, { x: input("x", [R, D], { fill }), delta: input("delta", [R, D], { fill }), w }, {
        eps: 1e-6,
      });
    },
  };
}

function attentionOf(
  dice: Dice,
): { B: number; T: number; H: number; G: number; K: number; Kv: number; window: number; meta: number } {
  const G = 1 + dice.below(3);
  return {
    B: 1 + dice.below(2),
    T: size(dice, 70),
    G,
    H: G * (1 + dice.below(3)),
    K: 1 + dice.below(20),
    Kv: 1 + dice.below(36),
    window: dice.once(2) ? 0 : 1 + dice.below(40),
    meta: dice.once(2) ? 0 : dice.below(20),
  };
}

const headsOf = (input: InputMaker, { B, T, H, G, K, Kv }: ReturnType<typeof attentionOf>) => ({
  q: withRows(input("q", [B, T, H, K]), 2),
  k: withRows(input("k", [B, T, G, K]), 2),
  v: withRows(input("v", [B, T, G, Kv]), 2),
});

function scanOf(dice: Dice): OpCase {
  const B = 1 + dice.below(2),
    T = size(dice, 70),
    I = size(dice, 70),
    N = dice.pick([1, 2, 3, 4, 5, 8, 16, 16, 17, 32]);
  const bare = dice.once(4), step = dice.pick([-6, -2, 1]);
  return {
    withoutCotangent: ["states"],
    build: (tape, input) => {
      const udt = withRows(input("udt", [B, T, 2, I]), 2), bc = withRows(input("bc", [B, T, 2, N]), 2);
      const aLog = input("aLog", [I, N], { fill: (data, counter) => fillUniform(data, counter, { high: 2.7 }) });
      if (bare) return selectiveScan(tape, { udt, bc, aLog }, { softplus: 1 });
      const fill = (data: Float32Array, counter: Parameters<typeof fillNormal>[1]) => {
        fillNormal(data, counter);
        for (let i = 0; i < data.length; i++) data[i]! += step;
      };
      const dtBias = input("dtBias", [I], { fill });
      return selectiveScan(tape, { udt, bc, z: input("z", [B, T, I]), aLog, skip: input("skip", [I]), dtBias });
    },
  };
}

function optimizerOf(dice: Dice): OpCase {
  const n = size(dice, dice.pick([300, 20_000])),
    m = size(dice, dice.pick([300, 20_000])),
    decay = dice.pick([0, 0.1]),
    clip = dice.pick([0.1, 1, 1e3]),
    scaled = dice.once(3),
    multiplier = dice.pick([0, 0.5]);
  return {
    withoutCotangent: ["norm", "p", "m", "v"],
    build: (tape, input) => {
      const [g, other] = [input("g", [n], { gradient: false }), input("other", [m], { gradient: false })];
      const norm = gradientNorm(tape, [g, other]);
      const [p, first, second] = ["p", "m", "v"].map((name) =>
        input(name, [n], { gradient: false, fill: name === "v" ? positive : undefined })
      );
      const schedule = input("schedule", [SCHEDULE_LENGTH], {
        gradient: false,
        fill: (data) => data.set([0.01, 0.1, 0.05, multiplier]),
      });
      const adam = { beta1: 0.9, beta2: 0.95, eps: 1e-8, decay, clip };
      adamw(tape, { p: p!, g, m: first!, v: second!, norm, schedule }, adam, { scaled });
      return { norm, p: p!, m: first!, v: second! };
    },
  };
}

function decodeOf(dice: Dice): OpCase {
  const { B, T, H, G, K, Kv, window, meta } = attentionOf(dice), see = { window, meta }, S = cacheSlots(T, see);
  const at = dice.below(T);
  return {
    withoutCotangent: ["o", "kCache", "vCache"],
    build: (tape, input) => {
      const rows = (name: string, heads: number, width: number) =>
        withRows(input(name, [B, 1, heads, width], { gradient: false }), 2);
      const kCache = input("kCache", [B, S, G, K], { gradient: false }),
        vCache = input("vCache", [B, S, G, Kv], { gradient: false });
      const caches = { kCache, vCache, position: input("position", [1], { u32: () => at }) };
      cacheAppend(tape, { k: rows("k", G, K), v: rows("v", G, Kv), ...caches }, see);
      return { o: attentionDecode(tape, { q: rows("q", H, K), ...caches }, see), kCache, vCache };
    },
  };
}

function stepsOf(dice: Dice): OpCase {
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

function linearOf(dice: Dice): OpCase {
  const R = size(dice, 140), I = size(dice, 140), O = size(dice, 140);
  return {
    build: (tape, input) => ({
      y: linear(tape, { x: part(input, "x", { lead: [R], tail: [I], dice }), w: input("w", [O, I]) }),
    }),
  };
}

const ids = (dice: Dice, V: number) => {
  const shift = dice.below(V), by = 1 + dice.below(V);
  return (index: number) => (shift + index * by) % V;
};

function lossOf(dice: Dice): OpCase {
  const R = size(dice, 300);
  return {
    build: (tape, input) => ({
      loss: nllLoss(tape, {
        logp: input("logp", [1, R], { fill: negative(-9) }),
        weight: input("weight", [1, R], { gradient: false, fill: share(2 + dice.below(5)) }),
      }),
    }),
  };
}

function orpoOf(dice: Dice): OpCase {
  const n = size(dice, 5), T = 1 + size(dice, 60), beta = dice.pick([0, 0.1, 1]);
  return {
    withoutCotangent: ["nll", "columns"],
    build: (tape, input) => {
      const logp = input("logp", [2 * n, T], { fill: negative(-6) });
      const weight = input("weight", [2 * n, T], {
        gradient: false,
        fill: (data) => data.forEach((_, i) => data[i] = i < n * T ? 1 : 0),
      });
      const completion = input("completion", [2 * n, T], {
        gradient: false,
        fill: (data) => data.forEach((_, i) => data[i] = i % T >= T >> 1 ? 1 : 0),
      });
      const { loss, nll, pairs } = orpoLoss(tape, { logp, weight, completion }, { beta });
      return { loss, nll, columns: pairs };
    },
  };
}

function rotaryOf(dice: Dice): OpCase {
  const B = 1 + dice.below(2),
    T = size(dice, 70),
    H = 1 + dice.below(4),
    K = 2 * (1 + dice.below(16)),
    start = dice.below(9);
  return {
    build: (tape, input) => {
      const table = tape.constant("table", [T + 9, 2, K / 2], rotaryTable(T + 9, K)), later = dice.once(3);
      const position = later ? input("position", [1], { u32: () => start }) : undefined;
      const x = later
        ? sliceColumns(input("wide", [B, T, H * K + 4], { gradient: false }), dice.below(5), [H, K])
        : withRows(input("x", [B, T, H, K]), 2);
      return { y: rotary(tape, { x, table, position }) };
    },
  };
}

function convOf(dice: Dice): OpCase {
  const B = 1 + dice.below(3), T = size(dice, 80), I = size(dice, 80), J = 1 + dice.below(6), biased = !dice.once(3);
  return {
    build: (tape, input) => ({
      y: causalConv(tape, {
        x: input("x", [B, T, I]),
        w: input("w", [I, J]),
        bias: biased ? input("bias", [I]) : undefined,
      }),
    }),
  };
}

function embeddingOf(dice: Dice): OpCase {
  const B = 1 + dice.below(3),
    T = size(dice, 60),
    V = size(dice, 200),
    D = size(dice, 90),
    M = dice.once(2) ? 0 : 1 + dice.below(6);
  const cut = M > 0 && dice.once(2), tied = dice.once(3);
  return {
    build: (tape, input) => {
      const table = input("table", [V, D]), meta = M > 0 ? input("meta", [M, D]) : undefined;
      const x = embedding(tape, { ids: input("ids", [B, T], { u32: ids(dice, V) }), table, meta });
      const text = cut ? textRows(tape, x, { M }) : x;
      return { y: tied ? linear(tape, { x: text, w: table }) : text };
    },
  };
}

function embedStepOf(dice: Dice): OpCase {
  const B = 1 + dice.below(5), V = size(dice, 90), D = size(dice, 90), M = dice.below(5), at = dice.below(8);
  return {
    withoutCotangent: ["x"],
    build: (tape, input) => ({
      x: embedStep(tape, {
        token: input("token", [B], { u32: ids(dice, V) }),
        position: input("position", [1], { u32: () => at }),
        table: input("table", [V, D], { gradient: false }),
        meta: M > 0 ? input("meta", [M, D], { gradient: false }) : undefined,
      }),
    }),
  };
}

function logpOf(dice: Dice): OpCase {
  const B = 1 + dice.below(2),
    T = size(dice, 40),
    D = size(dice, 60),
    V = dice.once(6) ? 1500 + dice.below(1500) : 1 + size(dice, 300);
  return {
    build: (tape, input) => ({
      logp: linearLogp(tape, {
        x: input("x", [B, T, D]),
        w: input("w", [V, D]),
        targets: input("targets", [B, T], { u32: ids(dice, V) }),
      }).logp,
    }),
  };
}

function fusionOf(dice: Dice): OpCase {
  const R = size(dice, 90), I = normed(dice), fill = scaled(dice);
  return {
    build: (tape: Tape, input: InputMaker) => {
      const [a, m, wa, wm] = [
        input("a", [R, I], { fill }),
        input("m", [R, I], { fill }),
        input("wa", [I]),
        input("wm", [I]),
      ];
      return { y: fusion(tape, { a, m, wa, wm }, { eps: 1e-5 }) };
    },
  };
}

function halvesOf(dice: Dice): OpCase {
  const R = size(dice, 90), C = size(dice, 300), format = dice.pick(HALF_FORMATS), fill = scaled(dice);
  return {
    withoutCotangent: ["words", "back"],
    build: (tape, input) => {
      const x = part(input, "x", { lead: [R], tail: [C], dice, fill }), words = packedLike(x, { name: "x", format });
      const back = tape.tensor("back", [R, C]);
      tape.steps.push(packHalves(x, words), unpackHalves(words, back));
      return { words, back };
    },
  };
}

function lossScaleOf(dice: Dice): OpCase {
  const norm = dice.pick([0.5, 3e4, Infinity, NaN]), state = [dice.pick([1, 1024, 2 ** 16]), dice.below(4), 0.3, 0.2];
  return {
    withoutCotangent: ["norm", "schedule", "scaling", "state"],
    build: (tape, input) => {
      const given = (name: string, values: readonly number[]) =>
        input(name, [values.length], { gradient: false, fill: (data) => data.set(values) });
      const reads = {
        norm: given("g", [norm]),
        schedule: given("rates", [0.01, 7, 7, 7]),
        state: given("state", state),
      };
      const options = { factor: dice.pick([1, 1.5]), beta1: 0.9, beta2: 0.95, growEvery: 3, most: 2 ** 16 };
      return { ...lossScale(tape, reads, options), state: reads.state };
    },
  };
}

/** A random case of an op, a function of the dice alone. */
export const CASES: Readonly<Record<string, (dice: Dice) => OpCase>> = {
  linear: linearOf,
  linear_logp: logpOf,
  rmsnorm: normOf,
  fusion: fusionOf,
  swiglu: (dice) => {
    const R = size(dice, 90), F = size(dice, 200);
    return { build: (tape, input) => ({ y: swiglu(tape, part(input, "gu", { lead: [R], tail: [2 * F], dice })) }) };
  },
  rotary: rotaryOf,
  causal_conv: convOf,
  embedding: embeddingOf,
  embed_step: embedStepOf,
  nll_loss: lossOf,
  halves: halvesOf,
  loss_scale: lossScaleOf,
  orpo_loss: orpoOf,
  optimizer: optimizerOf,
  conv_step_and_scan_step: stepsOf,
  cache_append_and_attention_decode: decodeOf,
  selective_scan: scanOf,
  attention_map: (dice) => {
    const sizes = attentionOf(dice), see = { window: sizes.window, meta: sizes.meta };
    return {
      withoutCotangent: ["lse", "p"],
      build: (tape, input) => {
        const { q, k, v } = headsOf(input, { ...sizes, B: 1 }), { lse } = attention(tape, { q, k, v }, see);
        return { lse, p: attentionMap(tape, { q, k, lse }, see) };
      },
    };
  },
  attention: (dice) => {
    const sizes = attentionOf(dice);
    return {
      withoutCotangent: ["lse"],
      build: (tape, input) => attention(tape, headsOf(input, sizes), { window: sizes.window, meta: sizes.meta }),
    };
  },
};
