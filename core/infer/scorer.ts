/** Log-probabilities of given tokens, forward only. */
import { type Batch, evaluationBatches } from "../data/batches.ts";
import { type Part, predictedTokens } from "../data/parts.ts";
import { Diverged, throwIfStopped } from "../errors.ts";
import { type ForwardOptions, targetLogp } from "../nn/model.ts";
import type { ParameterStore } from "../params/store.ts";
import { type Data, type Executor, finish, inWords, type Plan, type Program } from "../plan/mod.ts";
import { Tape, type Tensor } from "../tensor/mod.ts";

export interface EvaluationPlan {
  readonly plan: Plan;
  /** Tokens of a run: B sequences of T. */
  readonly B: number;
  readonly T: number;
  readonly ids: Tensor;
  readonly targets: Tensor;
  /** [B, T]: log-probability of each target. */
  readonly logp: Tensor;
}

/** Scores the targets of B sequences of T tokens. `alsoRead` names further tensors that can be read after a run. */
export function evaluationPlan(
  store: ParameterStore,
  { B, T, alsoRead, ...options }: ForwardOptions & { B: number; T: number; alsoRead?: () => readonly Tensor[] },
): EvaluationPlan {
  const tape = new Tape(false);
  const ids = tape.input("ids", [B, T], { dtype: "u32" }), targets = tape.input("targets", [B, T], { dtype: "u32" });
  const logp = targetLogp(tape, store, { ids, targets, ...options });
  const plan = finish(tape, { name: `evaluation ${store.config.archType}`, outputs: [logp, ...alsoRead?.() ?? []] });
  return { plan, B, T, ids, targets, logp };
}

/** Scores token sequences of one shape with the weights that the executor holds. Call `dispose` when done. */
export class Scorer {
  private constructor(
    private readonly program: Program,
    readonly made: EvaluationPlan,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** When `signal` aborts, scoring stops before the next batch. */
  static async create(
    executor: Executor,
    made: EvaluationPlan,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Scorer> {
    return new Scorer(await executor.prepare(made.plan), made, signal);
  }

  /** Writes another input of the plan than the tokens, for the following runs. */
  write(input: Tensor, data: Data): void {
    this.program.write(input, data);
  }

  /** Reads another output of the plan than the log-probabilities, after a run. */
  read(output: Tensor): Promise<Data> {
    return this.program.read(output);
  }

  /** Log-probability of each target, [B, T]. Throws Interrupted when the signal has aborted, Diverged when one is not finite. */
  async logp({ ids, targets }: Pick<Batch, "ids" | "targets">): Promise<Float32Array> {
    throwIfStopped(this.signal, "evaluating", { saved: false });
    this.program.write(this.made.ids, ids);
    this.program.write(this.made.targets, targets);
    await this.program.run();
    const logp = await this.program.read(this.made.logp) as Float32Array;
    if (logp.every(Number.isFinite)) return logp;
    const where = await this.program.findNonFinite();
    throw new Diverged("a log-probability is not a finite number", { got: where && inWords(where) });
  }

  /** The log-probability of every token except the first of each piece, in windows of T. */
  async tokenLogps(part: Pick<Part, "tokens" | "starts">): Promise<Float32Array> {
    const all = new Float32Array(predictedTokens(part));
    let at = 0;
    for (const batch of evaluationBatches(part, this.made)) {
      const logp = await this.logp(batch);
      for (const [i, value] of logp.entries()) if (batch.weight[i] === 1) all[at++] = value;
    }
    return all;
  }

  dispose(): void {
    this.program.dispose();
  }
}
