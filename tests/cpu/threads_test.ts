import { strict as assert } from "node:assert";
import { ArchType, HymbaConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { float, newContext } from "../../core/cpu/launch.ts";
import { HymbaError } from "../../core/errors.ts";
import { embedding } from "../../core/ops/embedding.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { finish } from "../../core/plan/mod.ts";
import { defineOp, Tape } from "../../core/tensor/mod.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { ADAMW, scheduleVector } from "../../core/train/schedule.ts";

const B = 2, T = 40, V = 50;

/** Parameters after three training steps of a small Hymba, and the metrics of each step. */
async function train(threads: number): Promise<{ parameters: Record<string, Float32Array>; metrics: number[] }> {
  const executor = await CpuExecutor.create({ threads });
  try {
    const config = new HymbaConfig({
      archType: ArchType.HYBRID,
      vocabSize: V,
      dModel: 48,
      nLayers: 3,
      nHeads: 4,
      nKvHeads: 2,
      swaWindow: 8,
      numMetaTokens: 4,
    });
    const store = new ParameterStore(config), made = trainingPlan(store, { B, T, decay: 0.1 });
    store.initialise(executor, 1);
    const program = await executor.prepare(made.plan);
    program.write(made.ids, Uint32Array.from({ length: B * T }, (_, i) => i * 7 % V));
    program.write(made.targets, Uint32Array.from({ length: B * T }, (_, i) => (i + 1) * 7 % V));
    program.write(made.weight, new Float32Array(B * T).fill(1));
    program.write(made.schedule, scheduleVector(1, { ...ADAMW, rate: 1e-2 }));
    for (let step = 0; step < 3; step++) await program.run();
    const metrics = (await program.drainMetrics()).flatMap((run) => [...run]);
    return { parameters: await store.read(executor), metrics };
  } finally {
    await executor.close();
  }
}

Deno.test("training gives the same bits with one, two and three threads, and learns", async () => {
  const one = await train(1);
  for (const threads of [2, 3]) assert.deepEqual(await train(threads), one, `${threads} threads`);
  assert.equal(one.metrics.length, 6);
  assert.ok(one.metrics[4]! < one.metrics[0]!, `losses and norms: ${one.metrics}`);
});

async function embeddingOf(id: number) {
  const executor = await CpuExecutor.create({ threads: 2 }), tape = new Tape(false);
  const ids = tape.input("ids", [1, 3], { dtype: "u32" }), table = tape.input("table", [5, 4]);
  const program = await executor.prepare(
    finish(tape, { name: "look up", outputs: [embedding(tape, { ids, table })] }),
  );
  program.write(ids, Uint32Array.of(0, id, 1));
  return { executor, program };
}

Deno.test("a kernel that traps ends the run with an error, and the executor still closes", async () => {
  const { executor, program } = await embeddingOf(5);
  const failed = (error: Error) => error instanceof HymbaError && /kernel/.test(error.message);
  await assert.rejects(program.run(), failed);
  await assert.rejects(program.run(), failed);
  await executor.close();
});

Deno.test("runs do not overlap; a closed executor and a disposed program say so", async () => {
  const { executor, program } = await embeddingOf(4);
  const first = program.run();
  await assert.rejects(program.run(), /one plan at a time/);
  await first;
  program.dispose();
  await assert.rejects(program.run(), /disposed/);
  await executor.close();
  await executor.close();
});

Deno.test("a kernel that traps on the threads ends the run with an error, too", async () => {
  const executor = await CpuExecutor.create({ threads: 2 }), context = newContext();
  const token = context.scratch("token", [64], "u32"), position = context.scratch("position", [64], "u32");
  const table = context.scratch("table", [5, 4]), x = context.scratch("x", [64, 4]);
  const args = { token, position, table, meta: undefined, x, strideX: 4, V: 5, D: 4, M: 0 };
  const program = executor.prepareLaunches([{ kernel: "embed_step", args, blocks: 64 }], {
    inputs: [token, position],
    outputs: [x],
  });
  program.write(token, new Uint32Array(64).fill(5));
  program.write(position, new Uint32Array(64));
  await assert.rejects(program.run(), /kernel of the CPU executor failed/);
  await executor.close();
});

Deno.test("short runs follow each other on the calling thread, and a timer has its turn between them", async () => {
  const { executor, program } = await embeddingOf(4), start = performance.now();
  let fired = false;
  setTimeout(() => fired = true, 5);
  while (!fired && performance.now() - start < 20_000) await program.run();
  await executor.close();
  assert.ok(fired);
});

Deno.test("an op that is not in the registry is refused by name", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }), tape = new Tape(false);
  const x = tape.input("x", [1]);
  const teleport = defineOp({
    name: "teleport",
    phase: "any",
    attributes: [],
    reads: { x: "1" },
    writes: { y: "1" },
    flops: () => 0,
  });
  tape.step(teleport, { attributes: {}, reads: { x }, writes: { y: tape.tensor("y", [1]) } });
  await assert.rejects(executor.prepare(finish(tape, { name: "odd" })), /the op teleport is not in/);
  await executor.close();
});

Deno.test("the main thread stays free during a run, and closing ends a run that is under way", async () => {
  const executor = await CpuExecutor.create({ threads: 2 });
  const out = newContext().scratch("out", [400, 4]), args = { out, rounds: 400_000, x: float(1), y: float(0) };
  const program = executor.prepareLaunches([{ kernel: "multiply_add_peak", args, blocks: 400 }], {
    inputs: [],
    outputs: [out],
  });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 2);
  const run = assert.rejects(program.run(), /closed during a run/);
  await new Promise((resolve) => setTimeout(resolve, 60));
  clearInterval(timer);
  await executor.close();
  await run;
  assert.ok(ticks >= 5, `${ticks} ticks of 2 ms in 60 ms`);
});

Deno.test("threads that sleep do not keep a process alive", async () => {
  const mod = new URL("../../core/cpu/mod.ts", import.meta.url).href;
  const code = `import { CpuExecutor } from "${mod}"; await CpuExecutor.create({ threads: 2 }); console.log("made");`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", code], stdout: "piped", stderr: "piped" }).spawn();
  const timeout = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const { code: exit, stdout } = await child.output();
  clearTimeout(timeout);
  assert.deepEqual([exit, new TextDecoder().decode(stdout).trim()], [0, "made"]);
});

/** A process in the middle of a run that takes minutes on two threads. */
const BUSY = `
  import { CpuExecutor } from "${new URL("../../core/cpu/mod.ts", import.meta.url).href}";
  import { float, newContext } from "${new URL("../../core/cpu/launch.ts", import.meta.url).href}";
  const executor = await CpuExecutor.create({ threads: 2 });
  const out = newContext().scratch("out", [4000, 4]), args = { out, rounds: 4_000_000, x: float(1), y: float(0) };
  const launches = [{ kernel: "multiply_add_peak", args, blocks: 4000 }];
  const run = executor.prepareLaunches(launches, { inputs: [], outputs: [out] }).run();
  console.log("running");
  setTimeout(() => { if (Deno.args[0] === "throw") throw new Error("on purpose"); }, 100);
  await run;`;

for (const how of ["SIGINT", "SIGTERM", "throw"] as const) {
  Deno.test({
    name: `no thread is left behind in the middle of a run: ${how}`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", BUSY, how],
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const timeout = setTimeout(() => child.kill("SIGKILL"), 20_000), reader = child.stdout.getReader();
      assert.match(new TextDecoder().decode((await reader.read()).value), /running/);
      if (how !== "throw") child.kill(how);
      const { signal, code } = await child.status;
      clearTimeout(timeout);
      await reader.cancel();
      assert.deepEqual([signal, code === 0], [how === "throw" ? null : how, false]);
      assert.throws(() => Deno.kill(child.pid, "SIGCONT"), Deno.errors.NotFound);
    },
  });
}
