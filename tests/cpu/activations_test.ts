import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { newContext } from "../../core/cpu/launch.ts";
import type { Build } from "../../core/cpu/module.ts";

/** Vector functions: the float64 function, the tested range, and the largest relative error that is allowed. */
const FUNCTIONS = [
  { name: "exp2", truth: (x: number) => 2 ** x, low: -125, high: 125, bound: 2e-7 },
  { name: "exp", truth: Math.exp, low: -87, high: 87, bound: 3e-7 },
  { name: "sigmoid", truth: (x: number) => 1 / (1 + Math.exp(-x)), low: -86, high: 86, bound: 4e-7 },
  {
    name: "softplus",
    truth: (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    low: -86,
    high: 86,
    bound: 5e-7,
  },
] as const;

const SAMPLES = 200_003;

async function errorOf(which: number, build: Build): Promise<number> {
  const { truth, low, high } = FUNCTIONS[which]!;
  const executor = await CpuExecutor.create({ threads: 1, build });
  try {
    const x = newContext().scratch("x", [SAMPLES]), y = newContext().scratch("y", [SAMPLES]);
    const args = { x, y, n: SAMPLES, which };
    const program = executor.prepareLaunches([{ kernel: "activate", args, blocks: 1 }], { inputs: [x], outputs: [y] });
    // Half of the samples cover the whole range, half are near zero.
    const inputs = Float32Array.from({ length: SAMPLES }, (_, i) => {
      const at = low + (high - low) * i / SAMPLES;
      return i % 2 === 0 ? at : at / 100;
    });
    program.write(x, inputs);
    await program.run();
    const got = await program.read(y);
    return inputs.reduce((most, at, i) => Math.max(most, Math.abs(got[i]! / truth(at) - 1)), 0);
  } finally {
    await executor.close();
  }
}

for (const [which, { name, bound }] of FUNCTIONS.entries()) {
  for (const build of ["relaxed", "plain"] as const) {
    Deno.test(`${name} (${build}) is within ${bound} of float64`, async () => {
      const error = await errorOf(which, build);
      assert.ok(error <= bound, `largest relative error ${error.toExponential(2)}`);
    });
  }
}
