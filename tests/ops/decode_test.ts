/** Positions that go one after the other through the ops of generation give the result of the op over all positions, on every executor. */
import { strict as assert } from "node:assert";
import { attention } from "../../core/ops/attention.ts";
import { causalConv } from "../../core/ops/causal_conv.ts";
import {
  attentionDecode,
  cacheAppend,
  cacheSlot,
  cacheSlots,
  convStep,
  embedStep,
  scanStep,
} from "../../core/ops/decode.ts";
import { embedding } from "../../core/ops/embedding.ts";
import { selectiveScan } from "../../core/ops/selective_scan.ts";
import { type Data, type Executor, finish, ReferenceExecutor } from "../../core/plan/mod.ts";
import { fillNormal, randomInteger } from "../../core/random.ts";
import { Arena, sizeOf, sliceColumns, Storage, Tape, type Tensor, tensorOver } from "../../core/tensor/mod.ts";
import { executors } from "./executors.ts";
import { relativeError } from "./harness.ts";

/** Bounds of relative RMS errors against all positions at once in float64. Values read from the reference are rounded to f32. */
const BOUND = 1e-5, REFERENCE_BOUND = 1e-7;

interface DecodeCase {
  B: number;
  T: number;
  /** The input is [B, T, columns]: one row per position. */
  columns: number;
  /** Shapes of the states that are kept from position to position. */
  states: Record<string, readonly number[]>;
  step(tape: Tape, parts: { x: Tensor; position: Tensor; states: Record<string, Tensor> }): Tensor;
  full(tape: Tape, x: Tensor): Tensor;
}

const normal = (shape: readonly number[], step: number) =>
  fillNormal(new Float32Array(sizeOf(shape)), { seed: 5, stream: 100, step });

const constant = (tape: Tape, shape: readonly number[], step: number) =>
  tape.constant(`constant ${step}`, shape, normal(shape, step));

function layOut(shapes: Record<string, readonly number[]>): { arena: Arena; tensors: Record<string, Tensor> } {
  const sizes = Object.values(shapes).map((shape) => 64 * Math.ceil(sizeOf(shape) / 64));
  const arena = new Arena("states", sizes.reduce((sum, size) => sum + size, 64));
  const tensors = Object.entries(shapes).map(([name, shape], i) => {
    const offset = sizes.slice(0, i).reduce((sum, size) => sum + size, 64);
    return [name, tensorOver(new Storage(name, sizeOf(shape), "f32", { arena, offset }), shape)] as const;
  });
  return { arena, tensors: Object.fromEntries(tensors) };
}

/** Row t of each sequence of [B, T, columns]. */
function rowsAt(t: number, all: Float32Array, { B, T, columns }: { B: number; T: number; columns: number }) {
  const rows = new Float32Array(B * columns);
  for (let b = 0; b < B; b++) rows.set(all.subarray((b * T + t) * columns, (b * T + t + 1) * columns), b * columns);
  return rows;
}

/** The outputs of all positions [B, T, columns of y], and the states after the last. */
async function oneByOne(executor: Executor, { step, ...op }: DecodeCase, input: Float32Array) {
  const tape = new Tape(false), { arena, tensors: states } = layOut(op.states);
  const x = tape.input("x", [op.B, 1, op.columns]), position = tape.input("position", [op.B], { dtype: "u32" });
  const y = step(tape, { x, position, states });
  const program = await executor.prepare(finish(tape, { name: "one by one", outputs: [y] }));
  const width = sizeOf(y.shape) / op.B, out = new Float32Array(op.B * op.T * width);
  for (let t = 0; t < op.T; t++) {
    program.write(x, rowsAt(t, input, op));
    program.write(position, new Uint32Array(op.B).fill(t));
    await program.run();
    const made = await program.read(y);
    for (let b = 0; b < op.B; b++) out.set(made.subarray(b * width, (b + 1) * width), (b * op.T + t) * width);
  }
  const after = new Map<string, Data>();
  for (const [name, state] of Object.entries(states)) after.set(name, await executor.read(state));
  program.dispose();
  executor.release(arena);
  return { out, after };
}

async function allAtOnce({ B, T, columns, full }: DecodeCase, input: Float32Array<ArrayBuffer>): Promise<Float64Array> {
  const tape = new Tape(false), x = tape.input("x", [B, T, columns]), y = full(tape, x);
  const program = await new ReferenceExecutor().prepare(finish(tape, { name: "all at once", outputs: [y] }));
  program.write(x, input);
  await program.run();
  return program.readExact(y);
}

async function checkDecode(op: DecodeCase): Promise<void> {
  const input = normal([op.B, op.T, op.columns], 0), expected = await allAtOnce(op, input);
  const reference = new ReferenceExecutor(), truth = await oneByOne(reference, op, input);
  const off = relativeError(truth.out, expected);
  assert.ok(off <= REFERENCE_BOUND, `reference: one by one is off by ${off.toExponential(2)} from all at once`);
  for (const executor of await executors()) {
    const { out, after } = await oneByOne(executor, op, input), error = relativeError(out, expected);
    assert.ok(error <= BOUND, `${executor.name}: one by one is off by ${error.toExponential(2)} from all at once`);
    for (const [name, state] of after) {
      const error = relativeError(state, truth.after.get(name)!);
      assert.ok(error <= BOUND, `${executor.name}: ${name} is off by ${error.toExponential(2)}`);
    }
  }
}

for (
  const [B, T, [H, G, K, Kv], window, meta] of [
    [2, 9, [4, 2, 6, 10], 0, 0],
    [2, 20, [4, 2, 6, 10], 4, 3],
    [1, 20, [3, 1, 4, 4], 5, 0],
    [2, 7, [2, 2, 2, 1], 1, 2],
    [1, 6, [6, 3, 8, 63], 9, 2],
    [1, 300, [2, 1, 10, 65], 0, 3],
    [1, 300, [1, 1, 16, 260], 270, 3],
  ] as const
) {
  const title = `T ${T}, heads ${H}/${G}, K ${K}, Kv ${Kv}, window ${window}, meta ${meta}`;
  Deno.test(`cache_append and attention_decode: ${title}`, () => {
    const see = { window, meta }, S = cacheSlots(T, see);
    const parts = (x: Tensor) => ({
      q: sliceColumns(x, 0, [H, K]),
      k: sliceColumns(x, H * K, [G, K]),
      v: sliceColumns(x, (H + G) * K, [G, Kv]),
    });
    return checkDecode({
      ...{ B, T, columns: (H + G) * K + G * Kv },
      states: { kCache: [B, S, G, K], vCache: [B, S, G, Kv] },
      step: (tape, { x, position, states: { kCache, vCache } }) => {
        const { q, k, v } = parts(x), caches = { kCache: kCache!, vCache: vCache!, position };
        cacheAppend(tape, { k, v, ...caches }, see);
        return attentionDecode(tape, { q, ...caches }, see);
      },
      full: (tape, x) => attention(tape, parts(x), see).o,
    });
  });
}

Deno.test("cache slots: meta positions keep theirs, the others share a ring of W", () => {
  const see = { window: 3, meta: 2 };
  assert.deepEqual(Array.from({ length: 9 }, (_, t) => cacheSlot(t, see)), [0, 1, 2, 3, 4, 2, 3, 4, 2]);
  assert.deepEqual([4, 5, 9].map((S) => cacheSlots(S, see)), [4, 5, 5]);
  assert.deepEqual([4, 9].map((S) => cacheSlots(S, { window: 0, meta: 2 })), [4, 9]);
});

/** The storage of the state of a convolution with one tap, which has no elements. */
const NOWHERE = { arena: new Arena("nothing", 64), offset: 0 };

for (const [B, T, I, J] of [[1, 6, 1, 4], [2, 9, 65, 4], [2, 5, 63, 2], [2, 3, 7, 1]] as const) {
  Deno.test(`conv_step [${B}, ${I}] with ${J} taps, of a slice, into a slice`, () => {
    const weights = (tape: Tape) => ({ w: constant(tape, [I, J], 1), bias: constant(tape, [I], 2) });
    return checkDecode({
      ...{ B, T, columns: I + 3, states: J > 1 ? { state: [B, J - 1, I] } : {} },
      step: (tape, { x, states: { state = tensorOver(new Storage("none", 0, "f32", NOWHERE), [B, 0, I]) } }) =>
        convStep(tape, { x: sliceColumns(x, 3, [I]), ...weights(tape), state }, {
          into: sliceColumns(tape.tensor("wide", [B, 1, I + 2]), 1, [I]),
        }),
      full: (tape, x) => causalConv(tape, { x: sliceColumns(x, 3, [I]), ...weights(tape) }),
    });
  });
}

Deno.test("conv_step without bias", () =>
  checkDecode({
    ...{ B: 2, T: 6, columns: 9, states: { state: [2, 3, 9] } },
    step: (tape, { x, states: { state } }) => convStep(tape, { x, w: constant(tape, [9, 4], 1), state: state! }),
    full: (tape, x) => causalConv(tape, { x, w: constant(tape, [9, 4], 1) }),
  }));

for (const [B, T, I, N] of [[1, 4, 1, 1], [2, 40, 65, 16], [2, 9, 63, 5]] as const) {
  for (const bare of [false, true]) {
    Deno.test(`scan_step [${B}, ${I}, ${N}]${bare ? " without gate, skip and bias" : ""}`, () => {
      const parts = (tape: Tape, x: Tensor) => ({
        udt: sliceColumns(x, I, [2, I]),
        bc: sliceColumns(x, 3 * I, [2, N]),
        aLog: constant(tape, [I, N], 1),
        ...(bare ? {} : {
          z: sliceColumns(x, 0, [I]),
          skip: constant(tape, [I], 2),
          dtBias: constant(tape, [I], 3),
        }),
      });
      return checkDecode({
        ...{ B, T, columns: 3 * I + 2 * N, states: { state: [B, I, N] } },
        step: (tape, { x, states: { state } }) => scanStep(tape, { ...parts(tape, x), state: state! }),
        full: (tape, x) => selectiveScan(tape, parts(tape, x)).y,
      });
    });
  }
}

for (const [B, M, T, V, D] of [[3, 2, 4, 11, 65], [1, 0, 3, 5, 1]] as const) {
  Deno.test(`embed_step: ${B} sequences behind ${M} meta tokens, rows of ${D}`, async () => {
    const ids = Uint32Array.from({ length: B * T }, (_, i) => randomInteger({ seed: 6, stream: 100, step: 0 }, i, V));
    const weights = (tape: Tape) => ({
      table: constant(tape, [V, D], 1),
      meta: M > 0 ? constant(tape, [M, D], 2) : undefined,
    });
    const full = new Tape(false), all = full.input("ids", [B, T], { dtype: "u32" });
    const x = embedding(full, { ids: all, ...weights(full) });
    const truth = await new ReferenceExecutor().prepare(finish(full, { name: "all at once", outputs: [x] }));
    truth.write(all, ids);
    await truth.run();
    const expected = await truth.read(x) as Float32Array;
    for (const executor of [new ReferenceExecutor(), ...await executors()]) {
      const tape = new Tape(false);
      const token = tape.input("token", [B], { dtype: "u32" }),
        position = tape.input("position", [B], { dtype: "u32" });
      const y = embedStep(tape, { token, position, ...weights(tape) });
      const program = await executor.prepare(finish(tape, { name: "one by one", outputs: [y] }));
      for (let t = 0; t < M + T; t++) {
        program.write(token, Uint32Array.from({ length: B }, (_, b) => t < M ? 0 : ids[b * T + t - M]!));
        program.write(position, new Uint32Array(B).fill(t));
        await program.run();
        assert.deepEqual(await program.read(y), rowsAt(t, expected, { B, T: M + T, columns: D }), executor.name);
      }
      program.dispose();
    }
  });
}
