/** Golden cases of single operators. */
import { HymbaError } from "../../errors.ts";
import { at } from "../../lists.ts";
import { attention } from "../../ops/attention.ts";
import { causalConv } from "../../ops/causal_conv.ts";
import { linear } from "../../ops/linear.ts";
import { rmsnorm } from "../../ops/rmsnorm.ts";
import { rotary, rotaryTable } from "../../ops/rotary.ts";
import { SCAN_CHUNK, selectiveScan } from "../../ops/selective_scan.ts";
import { swiglu } from "../../ops/swiglu.ts";
import { withRows } from "../../tensor/mod.ts";
import type { GoldenFile } from "./file.ts";
import { columnsOf, packColumns, packRows, partOf } from "./layout.ts";
import { Recording } from "./recording.ts";

/** `h_last`: the last state of each batch row in the op's states [B, chunks + 1, I, N]. */
const lastState = ({ T, size }: { T: number; size: number }) => {
  const entries = Math.ceil(T / SCAN_CHUNK) + 1;
  return columnsOf({ start: (entries - 1) * size, columns: size, width: entries * size });
};

/** The op takes aLog = log(−A) in place of the negative A, so d_A = daLog / A. */
export function scanCase(file: GoldenFile): Recording {
  const recording = new Recording(file), { tape } = recording;
  const u = file.ranked("u", "B,L,D"), A = file.ranked("A", "D,N"), B = file.ranked("B", "B,L,N");
  const [batch, T, I] = u.shape as [number, number, number], N = at(A.shape, 1);
  if (!A.data.every((a: number) => a < 0)) throw new HymbaError(`${file.name}: A is not negative everywhere`);
  const delta = file.tensor("delta", u.shape), C = file.tensor("C", B.shape);
  const udt = recording.packed("u and delta", [batch, T, 2, I], packColumns([u, delta]));
  const bc = recording.packed("B and C", [batch, T, 2, N], packColumns([B, C]));
  const aLog = recording.packed("log of -A", [I, N], Float32Array.from(A.data, (a) => Math.log(-a)));
  const z = recording.optional("z", [batch, T, I]), h0 = recording.optional("h0", [batch, I, N]);
  const skip = recording.optional("D", [I]), dtBias = recording.optional("delta_bias", [I]);
  const softplus = file.flag("delta_softplus") ? 1 : 0;
  const inputs = { udt: withRows(udt, 2), bc: withRows(bc, 2), aLog, z, skip, dtBias, h0 };
  const { y, states } = selectiveScan(tape, inputs, { softplus });
  recording.seed(y, "dy");
  recording.output("y", y);
  recording.output("h_last", states, lastState({ T, size: I * N }));
  recording.gradient("d_u", udt, columnsOf({ start: 0, columns: I, width: 2 * I }));
  recording.gradient("d_delta", udt, columnsOf({ start: I, columns: I, width: 2 * I }));
  recording.gradient("d_B", bc, columnsOf({ start: 0, columns: N, width: 2 * N }));
  recording.gradient("d_C", bc, columnsOf({ start: N, columns: N, width: 2 * N }));
  recording.gradient("d_A", aLog, (daLog) => Float64Array.from(daLog, (g, i) => g / at(A.data, i)));
  return recording;
}

/** Causal convolution with SiLU. */
export function convCase(file: GoldenFile): Recording {
  const recording = new Recording(file), I = at(file.ranked("x", "B,L,D").shape, 2);
  const taps = at(file.ranked("w", "D,K").shape, 1);
  // The op does not store `pre`, the sum before SiLU. y = silu(pre) checks it.
  if (file.has("pre")) file.tensor("pre");
  const x = recording.input("x"), w = recording.input("w", [I, taps]), bias = recording.optional("b", [I]);
  const y = causalConv(recording.tape, { x, w, bias });
  recording.seed(y, "dy");
  recording.output("y", y);
  return recording;
}

/** Whether a case has a rotary embedding, with pairs (i, i + K/2). Throws a HymbaError for any other layout. */
export function usesRotary(file: GoldenFile): boolean {
  const rope = file.text("rope");
  if (rope !== "half" && rope !== "none") {
    throw new HymbaError(`${file.name}: unknown rotary layout ${JSON.stringify(rope)}`, { expected: "half or none" });
  }
  return rope === "half";
}

export function attentionCase(file: GoldenFile): Recording {
  const recording = new Recording(file), { tape } = recording;
  const [B, T, , K] = file.ranked("q", "B,T,H,hd").shape as [number, number, number, number];
  const [, , G, Kv] = file.ranked("v", "B,T,KV,vd").shape as [number, number, number, number];
  const scale = file.number("scale");
  if (Math.abs(scale * Math.sqrt(K) - 1) > 1e-6) {
    throw new HymbaError(`${file.name}: the scale is not hd^-1/2`, {
      expected: `${1 / Math.sqrt(K)}`,
      got: `${scale}`,
    });
  }
  const heads = { q: recording.input("q"), k: recording.input("k", [B, T, G, K]) };
  const v = withRows(recording.input("v", [B, T, G, Kv]), 2);
  let q = withRows(heads.q, 2), k = withRows(heads.k, 2);
  if (usesRotary(file)) {
    const table = tape.constant("rotary table", [T, 2, K / 2], rotaryTable(T, K, { base: file.number("theta") }));
    q = rotary(tape, { x: q, table });
    k = rotary(tape, { x: k, table });
  }
  const { o, lse } = attention(tape, { q, k, v }, { window: file.number("window"), meta: file.number("meta") });
  recording.seed(o, "do");
  recording.output("o", o);
  recording.output("lse", lse);
  return recording;
}

export function rmsnormCase(file: GoldenFile): Recording {
  const recording = new Recording(file), x = recording.input("x");
  const { y } = rmsnorm(recording.tape, { x, w: recording.input("w", [x.columns]) }, { eps: file.number("eps") });
  recording.seed(y, "dy");
  recording.output("y", y);
  return recording;
}

/** The feed-forward part: y = w_down (silu(w_gate x) · w_up x). */
export function swigluCase(file: GoldenFile): Recording {
  const recording = new Recording(file), { tape } = recording;
  const x = recording.input("x"), gate = file.ranked("w_gate", "F,D"), [F, D] = gate.shape as [number, number];
  const up = file.tensor("w_up", gate.shape);
  const gateUp = recording.packed("w_gate and w_up", [2 * F, D], packRows([gate, up]));
  const gated = swiglu(tape, linear(tape, { x, w: gateUp }));
  const y = linear(tape, { x: gated, w: recording.input("w_down") });
  recording.seed(y, "dy");
  recording.output("y", y);
  recording.gradient("d_w_gate", gateUp, partOf({ start: 0, length: F * D }));
  recording.gradient("d_w_up", gateUp, partOf({ start: F * D, length: F * D }));
  return recording;
}
