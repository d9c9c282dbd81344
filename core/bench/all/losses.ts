/** The losses of short trainings beside those of the processor, which is tested against float64. One batch is learned by heart. */
import { openBackend } from "../../backend/mod.ts";
import type { Arm, Precision } from "../../config/mod.ts";
import { HymbaError } from "../../errors.ts";
import { at } from "../../lists.ts";
import { ParameterStore } from "../../params/store.ts";
import type { Executor } from "../../plan/mod.ts";
import { BOUNDS } from "../../proof/golden/bounds.ts";
import { keptIn, trainingPlan } from "../../train/plans.ts";
import { Trainer } from "../../train/trainer.ts";
import { benchObjective } from "../step.ts";
import { type Found, type Part, type PartContext, withBackend } from "./part.ts";

/** Sequences of a batch: few, because the processor computes the same steps. */
const B = 2, RATE = 1e-3, WARMUP = 10;

interface Compared {
  readonly arm: string;
  readonly losses: readonly number[];
  /** Those of the processor: fewer where its time was up. */
  readonly cpu_losses: readonly number[];
  /** The largest difference as a share of the loss of the processor; null without a step to compare. */
  readonly difference: number | null;
}

/** The losses of a training of a model from its start weights, which stops early when `isOver` says so. */
export async function trained(
  executor: Executor,
  { name, config }: Arm,
  { T, steps, precision, isOver }: { T: number; steps: number; precision?: Precision; isOver?(): boolean },
): Promise<number[]> {
  const store = new ParameterStore(config), losses: number[] = [];
  store.initialise(executor, 1);
  const objective = benchObjective(trainingPlan(store, { B, T, decay: 0.1, ...keptIn(precision) }), {
    V: config.vocabSize,
  });
  const trainer = await Trainer.create(executor, store, {
    name,
    objective,
    schedule: { rate: RATE, warmup: WARMUP, steps },
  });
  try {
    for await (const { loss } of trainer.run({ pauseEvery: 1 })) {
      losses.push(loss);
      if (isOver?.()) break;
    }
  } finally {
    trainer.dispose();
    store.release(executor);
  }
  return losses;
}

function compared(arm: string, losses: readonly number[], cpu: readonly number[]): Compared {
  const count = Math.min(losses.length, cpu.length);
  const shares = Array.from({ length: count }, (_, i) => Math.abs(at(losses, i) / at(cpu, i) - 1));
  return { arm, losses, cpu_losses: cpu, difference: count === 0 ? null : Math.max(...shares) };
}

function foundOf(arms: readonly Compared[]): Found {
  const nats = (loss: number | undefined) => loss?.toFixed(5) ?? "—";
  const rows = arms.map(({ arm, losses, cpu_losses: cpu, difference }) => [
    arm,
    String(losses.length),
    nats(losses[0]),
    nats(losses.at(-1)),
    String(cpu.length),
    nats(cpu.at(-1)),
    nats(losses[cpu.length - 1]),
    difference?.toExponential(2) ?? "—",
  ]);
  const columns = [
    "model",
    "steps",
    "first loss",
    "last loss",
    "steps of the CPU",
    "its last loss",
    "ours at that step",
  ];
  columns.push("largest difference, as a share");
  return { result: { batch: B, bound: BOUNDS.training.loss, arms }, tables: [{ title: "Losses", columns, rows }] };
}

/** Each model has the same share of the time that is left. */
async function compareAll(context: PartContext, executor: Executor, cpu: Executor): Promise<Compared[]> {
  const { shape: { arms, T }, steps, clock, keep } = context, found: Compared[] = [];
  for (const [i, arm] of arms.entries()) {
    if (clock.over()) break;
    const until = clock.share(arms.length - i), isOver = () => until.over();
    const own = await trained(executor, arm, { T, steps, isOver });
    await keep(foundOf([...found, compared(arm.name, own, [])]));
    const theirs = await trained(cpu, arm, { T, steps: own.length, isOver });
    found.push(compared(arm.name, own, theirs));
    await keep(foundOf(found));
  }
  return found;
}

export const lossesPart: Part = (context) =>
  withBackend(context, undefined, async ({ executor }) => {
    const { executor: cpu } = await openBackend({ backend: "cpu" });
    try {
      const { shape: { arms }, steps } = context, found = await compareAll(context, executor, cpu);
      const wrong = found.filter(({ difference }) => difference !== null && !(difference <= BOUNDS.training.loss));
      if (wrong.length > 0) {
        throw new HymbaError("losses differ from those of the processor", {
          expected: `a share of at most ${BOUNDS.training.loss}`,
          got: wrong.map(({ arm, difference }) => `${arm}: ${difference?.toExponential(2)}`).join(", "),
        });
      }
      return arms.length * steps - found.reduce((sum, { cpu_losses }) => sum + cpu_losses.length, 0);
    } finally {
      await cpu.close();
    }
  });
