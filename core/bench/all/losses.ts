/** The losses of short trainings beside those of the processor, which is tested against float64. One batch is learned by heart. */
import { openBackend } from "../../backend/mod.ts";
import type { Arm, Precision } from "../../config/mod.ts";
import { HymbaError } from "../../errors.ts";
import { list, number, readAs } from "../../file_schema.ts";
import { at } from "../../lists.ts";
import { ParameterStore } from "../../params/store.ts";
import type { Executor } from "../../plan/mod.ts";
import { BOUNDS } from "../../proof/golden/bounds.ts";
import { keptIn, trainingPlan } from "../../train/plans.ts";
import { Trainer } from "../../train/trainer.ts";
import type { Once } from "../once.ts";
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

/** The losses of a training of a model from its start weights, which stops early when `isOver` says so or after `most` of its steps. */
export async function trained(
  executor: Executor,
  { name, config }: Arm,
  { T, steps, most = steps, precision, isOver }: {
    T: number;
    steps: number;
    most?: number;
    precision?: Precision;
    isOver?(): boolean;
  },
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
      if (losses.length >= most || isOver?.()) break;
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

/** Losses as they are kept. A training whose loss is not finite fails, so it keeps none. */
const keptLosses = list(number(), { max: 10_000 });
const asLosses = (value: unknown, path: string): readonly number[] => readAs(keptLosses, value, path);

/** A training that the clock has stopped. Its losses are shown, but a later call trains again, from the first step. */
class Cut extends Error {
  constructor(readonly losses: readonly number[]) {
    super("the time was up");
  }
}

/** The losses of a training, which are kept where it took all its steps. */
async function lossesOnce(
  once: Once,
  name: string,
  { steps, train }: { steps: number; train(): Promise<readonly number[]> },
): Promise<readonly number[]> {
  const measure = async () => {
    const losses = await train();
    if (losses.length < steps) throw new Cut(losses);
    return losses;
  };
  try {
    return await once(name, { as: asLosses, measure });
  } catch (error) {
    if (error instanceof Cut) return error.losses;
    throw error;
  }
}

/** Each model has the same share of the time that is left. */
async function compareAll(context: PartContext, executor: Executor, cpu: Executor): Promise<Compared[]> {
  const { shape: { arms, T }, steps, clock, keep, once } = context, found: Compared[] = [];
  for (const [i, arm] of arms.entries()) {
    if (clock.over()) break;
    const until = clock.share(arms.length - i), isOver = () => until.over();
    const lossesOf = (name: string, on: Executor, most: number) =>
      lossesOnce(once, `${arm.name} ${name}`, { steps, train: () => trained(on, arm, { T, steps, most, isOver }) });
    const own = await lossesOf("here", executor, steps);
    await keep(foundOf([...found, compared(arm.name, own, [])]));
    const theirs = await lossesOf("processor", cpu, own.length);
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
