import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { checkGradients } from "../../core/eval/causality_gradient.ts";
import { checkCausality, requireCausal } from "../../core/eval/causality.ts";
import { HymbaError } from "../../core/errors.ts";
import type { Data, Executor, Plan, Program } from "../../core/plan/mod.ts";
import type { Tensor } from "../../core/tensor/mod.ts";
import { SMALL, smallModels } from "../train/models.ts";

/** Around the window W = 5, the meta tokens M = 3, and both. */
const LENGTHS = [4, 5, 6, 9, 13];
const V = SMALL.vocabSize;

/** A model that cheats at one position: its logits there are those of the position behind it, which has read one token more. */
class LeakingExecutor implements Executor {
  readonly name = "cpu";
  constructor(private readonly inner: Executor, private readonly position: number) {}

  async prepare(plan: Plan): Promise<Program> {
    const honest = await this.inner.prepare(plan), row = this.position * V;
    const isLogits = ({ shape }: Tensor) => shape.length === 3 && shape[2] === V;
    return {
      memory: honest.memory,
      run: () => honest.run(),
      dispose: () => honest.dispose(),
      drainMetrics: () => honest.drainMetrics(),
      findNonFinite: () => honest.findNonFinite(),
      async read(tensor: Tensor) {
        const data = await honest.read(tensor);
        if (isLogits(tensor)) data.copyWithin(row, row + V, row + 2 * V);
        return data;
      },
      // What the cheating logits are sent back goes to where they came from.
      write(tensor: Tensor, data: Data) {
        const sent = data.slice() as Data;
        if (isLogits(tensor)) {
          for (let v = 0; v < V; v++) sent[row + V + v]! += sent[row + v]!;
          sent.fill(0, row, row + V);
        }
        honest.write(tensor, sent);
      },
    };
  }

  write = (tensor: Tensor, data: Data) => this.inner.write(tensor, data);
  memoryOf = (plan: Plan) => this.inner.memoryOf(plan);
  read = (tensor: Tensor) => this.inner.read(tensor);
  release = (...[arena]: Parameters<Executor["release"]>) => this.inner.release(arena);
  close = () => this.inner.close();
}

async function withExecutor(use: (executor: Executor) => Promise<void>): Promise<void> {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    await use(executor);
  } finally {
    await executor.close();
  }
}

Deno.test("all models are causal by perturbation and by gradient, at lengths around window and meta tokens", async () => {
  await withExecutor(async (executor) => {
    for (const { name, config } of smallModels()) {
      for (const T of LENGTHS) {
        const perturbed = await checkCausality(executor, { name, config, T });
        assert.deepEqual(perturbed, { arm: name, T, tested: T - 1, leaks: [] });
        assert.deepEqual(await checkGradients(executor, { name, config, T }), { arm: name, T, tested: T, leaks: [] });
      }
    }
  });
});

Deno.test("a model that sees one token ahead at one position is caught there, by both tests, and by no other pair", async () => {
  await withExecutor(async (honest) => {
    for (const { name, config } of smallModels()) {
      for (const position of [0, 4, 7]) {
        const executor = new LeakingExecutor(honest, position), T = 9;
        const { leaks } = await checkCausality(executor, { name, config, T });
        assert.deepEqual(leaks, [{ changed: position + 1, seen: position }], name);
        const gradients = await checkGradients(executor, { name, config, T });
        assert.deepEqual(gradients.leaks, [{ logits: position, embedding: position + 1 }], name);
      }
    }
  });
});

Deno.test("no run is made with a model that sees its future", async () => {
  await withExecutor(async (honest) => {
    const [arm] = smallModels();
    await requireCausal(honest, arm!);
    await assert.rejects(requireCausal(new LeakingExecutor(honest, SMALL.swaWindow - 1), arm!), (error: HymbaError) => {
      assert.ok(error instanceof HymbaError);
      assert.match(error.message, /sees its future: no run is made and no artifact written/);
      return true;
    });
  });
});
