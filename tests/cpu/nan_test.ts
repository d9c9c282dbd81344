import { strict as assert } from "node:assert";
import { type Build, BUILDS } from "../../core/cpu/module.ts";
import { newContext } from "../../core/cpu/launch.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { attention } from "../../core/ops/attention.ts";
import { linearLogp } from "../../core/ops/linear_logp.ts";
import { finish } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { reshape, Tape, type Tensor } from "../../core/tensor/mod.ts";

// Clamps and maxima with pmin and pmax keep a NaN only in their first operand. A NaN must reach what is measured, and nothing else.

const B = 1, T = 100, H = 2, K = 8, D = 8, V = 33;

const numbers = (x: Tensor, step: number) =>
  fillNormal(new Float32Array(x.rows * x.columns), { seed: 1, stream: 100, step });

async function outputs(
  build: Build,
  { tape, inputs, out }: {
    tape: Tape;
    inputs: readonly (readonly [Tensor, Float32Array | Uint32Array])[];
    out: Tensor;
  },
): Promise<Float32Array> {
  const executor = await CpuExecutor.create({ threads: 1, build });
  try {
    const program = await executor.prepare(finish(tape, { name: "one op", outputs: [out] }));
    for (const [x, data] of inputs) program.write(x, data as Float32Array<ArrayBuffer>);
    await program.run();
    return await program.read(out) as Float32Array;
  } finally {
    await executor.close();
  }
}

for (const build of Object.keys(BUILDS) as Build[]) {
  for (const window of [0, 9]) {
    Deno.test(`attention (${build}, window ${window}): a NaN in a query reaches its row, and no other`, async () => {
      for (const bad of [0, 13, 47, 48, 99]) {
        const tape = new Tape(false);
        const wide = ["q", "k", "v"].map((name) => tape.input(name, [B, T, H * K]));
        const [q, k, v] = wide.map((x) => reshape(x, [B, T, H, K], 2)) as [Tensor, Tensor, Tensor];
        const { o } = attention(tape, { q, k, v }, { window, meta: 0 });
        const inputs = wide.map((x, i) => [x, numbers(x, i)] as const);
        inputs[0]![1][bad * H * K] = NaN;
        const got = await outputs(build, { tape, inputs, out: o });
        for (let at = 0; at < got.length; at++) {
          const mine = Math.floor(at / (H * K)) === bad && at % (H * K) < K;
          assert.equal(Number.isNaN(got[at]), mine, `bad query ${bad}: row ${Math.floor(at / (H * K))} is ${got[at]}`);
        }
      }
    });
  }

  Deno.test(`log-probabilities (${build}): a NaN in one logit reaches its row, and no other`, async () => {
    for (const [row, token] of [[0, 0], [3, 17], [6, V - 1]] as const) {
      const tape = new Tape(false), x = tape.input("x", [1, 7, D]), w = tape.input("w", [V, D]);
      const targets = tape.input("targets", [1, 7], { dtype: "u32" }), { logp } = linearLogp(tape, { x, w, targets });
      // Only row `row` reads columns 0 and 1, and only `token` is not zero there: its logit is infinity minus infinity.
      const rows = numbers(x, 1), words = numbers(w, 2);
      for (let r = 0; r < 7; r++) [rows[r * D], rows[r * D + 1]] = r === row ? [1e30, -1e30] : [0, 0];
      for (let t = 0; t < V; t++) [words[t * D], words[t * D + 1]] = t === token ? [1e30, 1e30] : [0, 0];
      const ids = new Uint32Array(7).fill(5);
      const got = await outputs(build, { tape, inputs: [[x, rows], [w, words], [targets, ids]], out: logp });
      got.forEach((value, r) => assert.equal(Number.isNaN(value), r === row, `row ${r} of bad row ${row}: ${value}`));
    }
  });

  Deno.test(`exponentials (${build}): NaN stays NaN`, async () => {
    const executor = await CpuExecutor.create({ threads: 1, build });
    try {
      for (let which = 0; which < 4; which++) {
        const x = newContext().scratch("x", [9]), y = newContext().scratch("y", [9]);
        const launch = { kernel: "activate", args: { x, y, n: 9, which }, blocks: 1 };
        const program = executor.prepareLaunches([launch], { inputs: [x], outputs: [y] });
        program.write(x, Float32Array.from({ length: 9 }, (_, i) => i % 2 === 0 ? NaN : i));
        await program.run();
        (await program.read(y)).forEach((value, i) =>
          assert.equal(Number.isNaN(value), i % 2 === 0, `${which} at ${i}`)
        );
        program.dispose();
      }
    } finally {
      await executor.close();
    }
  });
}
