import { strict as assert } from "node:assert";
import { failingOps } from "../../core/eval/bench/verify.ts";
import { type Plan, ReferenceExecutor, type ReferenceProgram } from "../../core/plan/mod.ts";

const main = new URL("../../cli/main.ts", import.meta.url).pathname;

async function bench(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", main, "bench", ...args],
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("bench step --json: the named arms, with speed, parts of the step, dispatches and bytes", async () => {
  const { code, stdout, stderr } = await bench(
    "step",
    ...["--shape", "smoke", "--models", "mamba,hymba", "--backend", "cpu", "--threads", "1", "--runs", "1", "--json"],
  );
  assert.equal(code, 0, stderr);
  const { adapter, backend, B, T, arms } = JSON.parse(stdout);
  assert.deepEqual([backend, adapter.threads, B, T], ["cpu", 1, 4, 28]);
  assert.deepEqual(arms.map(({ arm }: { arm: string }) => arm), ["mamba", "hymba"]);
  for (const arm of arms) {
    assert.ok(arm.tokens_per_s > 0 && arm.median_tokens_per_s <= arm.tokens_per_s);
    assert.ok(Math.abs(arm.tokens_per_s * arm.step_ms / 1000 / (B * T) - 1) < 1e-9);
    assert.ok(arm.forward_ms > 0 && arm.backward_ms > 0, "a step has a forward and a backward part");
    assert.ok(arm.dispatches >= arm.steps && arm.steps > 50);
    assert.equal(arm.pipelines, 0, "the processor's executor compiles nothing");
    assert.ok(arm.planned_bytes > 4 * 4 * arm.parameters, "parameters, gradients and two moments are counted");
    assert.ok(arm.allocated_bytes >= arm.planned_bytes);
  }
  assert.ok(arms[1].parameters > arms[0].parameters);
});

Deno.test("bench memory: what is kept and what is needed for a moment, less with --remat", async () => {
  const shape = ["memory", "--preset", "small", "--models", "mamba,hymba", "--backend", "cpu", "--json"];
  const [kept, again] = await Promise.all([bench(...shape), bench(...shape, "--remat")]);
  for (const { code, stderr } of [kept, again]) assert.equal(code, 0, stderr);
  const [arms, arms2] = [kept, again].map(({ stdout }) => JSON.parse(stdout).arms);
  assert.deepEqual(arms.map(({ arm }: { arm: string }) => arm), ["mamba", "hymba"]);
  for (const [i, arm] of arms.entries()) {
    const parts = arm.parameters_bytes + arm.gradients_bytes + arm.moments_bytes + arm.saved_bytes;
    assert.equal(arm.total_bytes, parts + arm.transient_bytes);
    assert.ok(Math.abs(arm.ratio - arm.total_bytes / parts) < 1e-12);
    assert.ok(arms2[i].saved_bytes < arm.saved_bytes / 2 && arms2[i].total_bytes < arm.total_bytes);
  }
});

Deno.test("bench: an unknown shape or model is a mistake in the command, with what exists", async () => {
  for (const args of [["step", "--shape", "huge"], ["step", "--models", "lstm"], ["memory", "--preset", "huge"]]) {
    const { code, stderr } = await bench(...args, "--backend", "cpu");
    assert.equal(code, 2);
    assert.match(stderr, /unknown (shape "huge"|model "lstm")/);
    assert.match(stderr, /peers, smoke|hymba/);
  }
});

Deno.test("bench kernels --json: forward, backward and optimizer, each checked and beside the limit", async () => {
  const { code, stdout, stderr } = await bench(
    "kernels",
    ...[
      "--shape",
      "smoke",
      "--ops",
      "matmul,rotary,adamw",
      "--backend",
      "cpu",
      "--threads",
      "1",
      "--runs",
      "1",
      "--json",
    ],
  );
  assert.equal(code, 0, stderr);
  const { kernels, refused, peaks, B, T } = JSON.parse(stdout);
  assert.deepEqual([B, T, refused], [4, 28, []]);
  assert.ok(peaks.multiply_add_gflop_per_s > 0);
  assert.deepEqual(new Set(kernels.map(({ op }: { op: string }) => op)), new Set(["matmul", "rotary", "adamw"]));
  assert.deepEqual(
    new Set(kernels.map(({ pass }: { pass: string }) => pass)),
    new Set(["forward", "backward", "optimizer"]),
  );
  for (const { op, ms, times, roofline_share, gflop_per_s, attributes: { M, N, K } } of kernels) {
    assert.ok(ms > 0 && times >= 1 && roofline_share > 0);
    if (op === "matmul") assert.ok(Math.abs(gflop_per_s * ms * 1e6 / (2 * M * N * K) - 1) < 1e-9);
  }
});

Deno.test("bench kernels: an op that the training step does not have is a mistake in the command", async () => {
  const { code, stderr } = await bench(
    "kernels",
    "--shape",
    "smoke",
    "--ops",
    "softmax",
    "--backend",
    "cpu",
    "--runs",
    "1",
  );
  assert.equal(code, 2);
  assert.match(stderr, /no op "softmax"/);
  assert.match(stderr, /matmul, .*rotary/);
});

Deno.test("an op that is off is refused, with its error", async () => {
  const wrong = new WrongExecutor(), ops = new Set(["rmsnorm_forward", "rotary"]);
  const refused = await failingOps(wrong, "transformer-global", ops);
  assert.deepEqual(refused.map(({ op }) => op), ["rotary"]);
  assert.ok(Math.abs(refused[0]!.error - 0.01) < 1e-4);
});

/** The reference, but what `rotary` writes is one per cent too large. */
class WrongExecutor extends ReferenceExecutor {
  override async prepare(plan: Plan): Promise<ReferenceProgram> {
    const program = await super.prepare(plan);
    if (plan.name !== "rotary") return program;
    const read = program.read.bind(program);
    program.read = async (tensor) => Float32Array.from(await read(tensor), (value) => 1.01 * value);
    return program;
  }
}
