import { strict as assert } from "node:assert";
import { adamw, gradientNorm, SCHEDULE_LENGTH } from "../../core/ops/optimizer.ts";
import { type Executor, finish, ReferenceExecutor } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { Arena, Storage, Tape, tensorOver } from "../../core/tensor/mod.ts";
import { pieces } from "../../core/webgpu/ops/optimizer.ts";
import { executors } from "./executors.ts";
import { relativeError } from "./harness.ts";

const ADAM = { beta1: 0.9, beta2: 0.95, eps: 1e-8, decay: 0.1, clip: 1 };
const STEPS = 3;

/** A store of two ranges with n and n2 parameters. The second range has a different offset in each arena. */
function store([n, n2]: readonly [number, number]) {
  const start = Math.ceil(n / 64) * 64, size = start + n2;
  const slices = (name: string) => {
    const arena = new Arena(name, size);
    const at = (offset: number, length: number) => new Storage(`${name} ${offset}`, length, "f32", { arena, offset });
    return [tensorOver(at(0, n), [n]), tensorOver(at(start, n2), [n2])] as const;
  };
  return { p: slices("p"), g: slices("g"), m: slices("m"), v: slices("v") };
}

const draw = (length: number, step: number, deviation: number) =>
  fillNormal(new Float32Array(length), { seed: 3, stream: 100, step }, { deviation });

/** STEPS updates of a store; returns p, m, v of both ranges and the norm of each step. */
async function train(executor: Executor, lengths: readonly [number, number], deviation: number) {
  const { p, g, m, v } = store(lengths), tape = new Tape(false);
  const schedule = tape.input("schedule", [SCHEDULE_LENGTH]);
  const norm = gradientNorm(tape, g);
  for (const i of [0, 1] as const) {
    const decay = i === 0 ? ADAM.decay : 0;
    adamw(tape, { p: p[i], g: g[i], m: m[i], v: v[i], norm, schedule }, { ...ADAM, decay });
  }
  const program = await executor.prepare(finish(tape, { name: "optimizer test", metrics: [norm] }));
  for (const i of [0, 1] as const) executor.write(p[i], draw(lengths[i], i, 1));
  for (let step = 1; step <= STEPS; step++) {
    for (const i of [0, 1] as const) executor.write(g[i], draw(lengths[i], 10 * step + i, deviation));
    program.write(schedule, Float32Array.of(0.01 / step, 1 - ADAM.beta1 ** step, 1 - ADAM.beta2 ** step, 0));
    await program.run();
  }
  const norms = (await program.drainMetrics()).flatMap((row) => [...row]);
  const results = new Map<string, ArrayLike<number>>([["norms", norms]]);
  for (const [name, [first, second]] of Object.entries({ p, m, v })) {
    results.set(`${name} of the first slice`, await executor.read(first));
    results.set(`${name} of the second slice`, await executor.read(second));
  }
  program.dispose();
  for (const x of [p, g, m, v]) executor.release(x[0].storage.pinned!.arena);
  return results;
}

for (const [lengths, deviation] of [[[1, 63], 1], [[257, 65], 1e-3], [[33, 65], 1e-8], [[20000, 8193], 1]] as const) {
  Deno.test(`gradient norm and adamw: ${STEPS} updates of ${lengths} parameters, gradients of ${deviation}`, async () => {
    const truth = await train(new ReferenceExecutor(), lengths, deviation);
    for (const executor of await executors()) {
      for (const [name, got] of await train(executor, lengths, deviation)) {
        const error = relativeError(got, truth.get(name)!);
        assert.ok(error <= 2e-6, `${executor.name}: ${name} is off by ${error.toExponential(2)}`);
      }
    }
  });
}

Deno.test("a slice too long for one binding is cut into pieces that cover it once", () => {
  const arena = new Arena("p", 1000), storage = new Storage("p", 900, "f32", { arena, offset: 64 });
  const cut = pieces(tensorOver(storage, [900]), 256);
  assert.deepEqual(cut.map(({ storage: { pinned, elements } }) => [pinned?.offset, elements]), [
    [64, 256],
    [320, 256],
    [576, 256],
    [832, 132],
  ]);
  assert.equal(pieces(tensorOver(storage, [900]), 900).length, 1);
});
