/** An executor on which every model sees its future: what the causality tests have to catch. */
import type { Data, Executor, Plan, Program } from "../../core/plan/mod.ts";
import type { Tensor } from "../../core/tensor/mod.ts";

export interface Leak {
  /** The position that looks ahead. */
  readonly position: number;
  /** Tokens of the vocabulary. */
  readonly V: number;
  /** Only the logits or only their gradient; both without it. */
  readonly through?: "values" | "gradient";
}

/** A model that cheats at one position: its logits there are those of the position behind it, which has read one token more. */
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
      // What the cheating logits are sent back goes to where they came from.
      write(tensor: Tensor, data: Data) {
        const sent = data.slice() as Data;
        if (isLogits(tensor) && through !== "values") {
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
