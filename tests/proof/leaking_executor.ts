/** An executor on which every model sees its future, to test the causality checks. */
import { at } from "../../core/lists.ts";
import type { Data, Executor, Plan, Program } from "../../core/plan/mod.ts";
import type { Tensor } from "../../core/tensor/mod.ts";

export interface Leak {
  /** The position that sees the next token. */
  readonly position: number;
  /** Size of the vocabulary. */
  readonly V: number;
  /** Leak only through the logits or only through their gradient. Default: both. */
  readonly through?: "values" | "gradient";
}

/** At one position the logits are those of the next position, which has seen one more token. */
export class LeakingExecutor implements Executor {
  readonly name = "cpu";
  constructor(private readonly inner: Executor, private readonly leak: Leak) {}

  async prepare(plan: Plan): Promise<Program> {
    const { position, V, through } = this.leak, honest = await this.inner.prepare(plan), row = position * V;
    const isLogits = ({ shape }: Tensor) => shape.length === 3 && shape[2] === V;
    return {
      memory: honest.memory,
      run: () => honest.run(),
      dispose: () => honest.dispose(),
      drainMetrics: () => honest.drainMetrics(),
      findNonFinite: () => honest.findNonFinite(),
      async read(tensor: Tensor) {
        const data = await honest.read(tensor);
        if (isLogits(tensor) && through !== "gradient") data.copyWithin(row, row + V, row + 2 * V);
        return data;
      },
      // The gradient of the leaking logits goes to the logits that they were copied from.
      write(tensor: Tensor, data: Data) {
        const written = data.slice() as Data;
        if (isLogits(tensor) && through !== "values") {
          for (let i = row; i < row + V; i++) written[i + V] = at(data, i + V) + at(data, i);
          written.fill(0, row, row + V);
        }
        honest.write(tensor, written);
      },
    };
  }

  write = (tensor: Tensor, data: Data) => this.inner.write(tensor, data);
  memoryOf = (plan: Plan) => this.inner.memoryOf(plan);
  read = (tensor: Tensor) => this.inner.read(tensor);
  release = (...[arena]: Parameters<Executor["release"]>) => this.inner.release(arena);
  close = () => this.inner.close();
}
