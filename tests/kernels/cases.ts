/** Random cases of every op: shapes, slices, windows and switches are drawn. Every draw is a valid case. */
import { causalConv } from "../../core/ops/causal_conv.ts";
import { embedStep } from "../../core/ops/decode.ts";
import { sample, settingsWords } from "../../core/ops/sample.ts";
import { embedding } from "../../core/ops/embedding.ts";
import { linear } from "../../core/ops/linear.ts";
import { linearLogp } from "../../core/ops/linear_logp.ts";
import { lossScale } from "../../core/ops/loss_scale.ts";
import { nllLoss, orpoLoss } from "../../core/ops/losses.ts";
import { adamw, gradientNorm, SCHEDULE_LENGTH } from "../../core/ops/optimizer.ts";
import { rotary, rotaryTable } from "../../core/ops/rotary.ts";
import { swiglu } from "../../core/ops/swiglu.ts";
import { textRows } from "../../core/ops/text_rows.ts";
import { fillNormal, fillUniform } from "../../core/random.ts";
import { sliceColumns, type Tensor, withRows } from "../../core/tensor/mod.ts";
import type { Dice } from "../fuzz/dice.ts";
import type { OpCase } from "../ops/harness.ts";
import {
  attentionCase,
  attentionChunkOf,
  attentionMapCase,
  decodeCase,
  scanCase,
  size,
  softplusCase,
  stateChunkOf,
  stepsCase,
  storedCase,
} from "./mixer_cases.ts";
import { fusionCase, halvesCase, mixCase, normCase, part, rowsOf } from "./row_cases.ts";

const positive = (data: Float32Array, counter: Parameters<typeof fillUniform>[1]) =>
  fillUniform(data, counter, { low: 0.01, high: 1 });
const negative = (low: number) => (data: Float32Array, counter: Parameters<typeof fillUniform>[1]) =>
  fillUniform(data, counter, { low, high: -0.01 });
const share = (every: number) => (data: Float32Array) =>
  data.forEach((_, i) => data[i] = i % every === every - 1 ? 0 : 1);

function optimizerOf(dice: Dice): OpCase {
  const n = size(dice, dice.pick([300, 20_000])),
    m = size(dice, dice.pick([300, 20_000])),
    decay = dice.pick([0, 0.1]),
    clip = dice.pick([0.1, 1, 1e3]),
    scaled = dice.once(3),
    multiplier = dice.pick([0, 0.5]),
    // Gradients so small that epsilon dominates.
    tiny = dice.once(4) ? 1e-9 : 1;
  const scaledBy =
    (factor: number, fill: typeof positive) => (data: Float32Array, counter: Parameters<typeof fill>[1]) => {
      fill(data, counter);
      data.forEach((value, i) => data[i] = value * factor);
    };
  return {
    withoutCotangent: ["norm", "p", "m", "v"],
    build: (tape, input) => {
      const [g, other] = [
        input("g", [n], { gradient: false, fill: scaledBy(tiny, fillNormal) }),
        input("other", [m], { gradient: false }),
      ];
      const norm = gradientNorm(tape, [g, other]);
      const [p, first, second] = ["p", "m", "v"].map((name) =>
        input(name, [n], {
          gradient: false,
          fill: name === "v" ? scaledBy(tiny ** 2, positive) : name === "m" ? scaledBy(tiny, fillNormal) : undefined,
        })
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

/** A product, sometimes with a second one of the same rows or weights, so that its gradient is added to that of the first. */
function linearOf(dice: Dice): OpCase {
  const R = size(dice, 140), I = size(dice, 140), O = size(dice, 140), shared = dice.pick([undefined, "x", "w"]);
  return {
    build: (tape, input) => {
      const x = part(input, "x", { lead: [R], tail: [I], dice }), w = input("w", [O, I]);
      const made: Record<string, Tensor> = { y: linear(tape, { x, w }) };
      if (shared === "x") made.z = linear(tape, { x, w: input("other w", [size(dice, 140), I]) });
      if (shared === "w") made.z = linear(tape, { x: input("other x", [size(dice, 140), I]), w });
      return made;
    },
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
  // From −1.4 on, their mean is near −ln 2, where log(1 − p) switches to another series.
  const low = dice.pick([-6, -1.4]);
  return {
    withoutCotangent: ["nll", "columns"],
    build: (tape, input) => {
      const logp = input("logp", [2 * n, T], { fill: negative(low) });
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
      const position = later ? input("position", [B], { u32: (b) => Math.max(0, start - b) }) : undefined;
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

function embeddingOf(dice: Dice, tall = false): OpCase {
  const T = rowsOf(dice, { most: 60, tall }), B = tall ? 1 : 1 + dice.below(3);
  const V = size(dice, 200), D = size(dice, tall ? 2 : 90), M = dice.once(2) ? 0 : 1 + dice.below(6);
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
        position: input("position", [B], { u32: (b) => Math.max(0, at - b) }),
        table: input("table", [V, D], { gradient: false }),
        meta: M > 0 ? input("meta", [M, D], { gradient: false }) : undefined,
      }),
    }),
  };
}

/** One draw of each sequence, with settings of all kinds. Equal logits are frequent; no limit falls between two numbers that differ by rounding. */
function sampleOf(dice: Dice): OpCase {
  const B = 1 + dice.below(3), V = size(dice, 300), rows = 1 + dice.below(4), few = dice.once(2);
  const settings = settingsWords({
    ...{ seed: dice.below(1000), topK: dice.once(2) ? 0 : 1 + dice.below(V) },
    ...{
      temperature: dice.once(4) ? 0 : 0.25 * (1 + dice.below(8)),
      topP: dice.once(2) ? 1 : (1 + dice.below(19)) / 20.37,
    },
    ...{
      minP: dice.once(2) ? 0 : dice.below(10) / 20 + 0.0137,
      repetitionPenalty: dice.once(2) ? 1 : 1 + dice.below(8) / 4,
    },
  }, Array.from({ length: B }, () => dice.below(9)));
  return {
    withoutCotangent: ["token", "position", "turn", "seen", "history"],
    build: (tape, input) => {
      const words = (name: string, shape: readonly number[], most: number) =>
        input(name, shape, { u32: (i) => (i * 7 + B) % most });
      const state = {
        ...{ token: words("token", [B], 1), position: words("position", [B], 50), turn: words("turn", [B], 70) },
        ...{ seen: words("seen", [B, V], 2), history: words("history", [rows, B], 9) },
      };
      const fill = few ? { fill: (data: Float32Array) => void data.forEach((_, i) => data[i] = i * 5 % 4) } : {};
      const logits = input("logits", [B, V], { gradient: false, ...fill });
      sample(tape, { logits, settings: tape.constant("settings", [B, 8], settings), state });
      return { ...state };
    },
  };
}

/** Logits that are sometimes in the hundreds, and targets at the ends of a chunk of the vocabulary. */
function logpOf(dice: Dice, tall = false): OpCase {
  const R = rowsOf(dice, { most: 80, tall }), D = size(dice, tall ? 2 : 60), long = !tall && dice.once(4);
  const V = long ? 1025 + dice.below(2000) : 1 + size(dice, tall ? 3 : 300), draw = ids(dice, V);
  const edges = [0, 1023, 1024, 1025, 2047, 2048, V - 1].filter((id) => id < V);
  const deviation = !tall && dice.once(2) ? 40 : 1;
  return {
    build: (tape, input) => ({
      logp: linearLogp(tape, {
        x: input("x", [1, R, D], { fill: (data, counter) => fillNormal(data, counter, { deviation }) }),
        w: input("w", [V, D]),
        targets: input("targets", [1, R], {
          u32: (i) => long && i % 2 === 0 ? edges[(i / 2) % edges.length]! : draw(i),
        }),
      }).logp,
    }),
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

/** Ops whose kernels use one workgroup per row; they have tall cases. */
export const TALL: ReadonlySet<string> = new Set(["linear_logp", "rmsnorm", "fusion", "mix", "embedding"]);

/** A random case of an op. It depends only on the dice and on `tall`. */
export const CASES: Readonly<Record<string, (dice: Dice, tall?: boolean) => OpCase>> = {
  linear: linearOf,
  linear_logp: logpOf,
  rmsnorm: normCase,
  fusion: fusionCase,
  mix: mixCase,
  halves: halvesCase,
  loss_scale: lossScaleOf,
  swiglu: (dice) => {
    const R = size(dice, 90), F = size(dice, 200);
    return { build: (tape, input) => ({ y: swiglu(tape, part(input, "gu", { lead: [R], tail: [2 * F], dice })) }) };
  },
  rotary: rotaryOf,
  causal_conv: convOf,
  embedding: embeddingOf,
  embed_step: embedStepOf,
  nll_loss: lossOf,
  orpo_loss: orpoOf,
  optimizer: optimizerOf,
  conv_step_and_scan_step: stepsCase,
  cache_append_and_attention_decode: decodeCase,
  attention_chunk_and_cache_fill: attentionChunkOf,
  conv_chunk_and_scan_chunk: stateChunkOf,
  sample: sampleOf,
  selective_scan: scanCase,
  softplus: softplusCase,
  stored_halves: storedCase,
  attention: attentionCase, // before the map, whose kernel reads only its sums: a mutant is tested by the first op that uses its file
  attention_map: attentionMapCase,
};
