/** Compares an executor's kernels with the float64 reference. Kernels with wrong results are not timed. */
import type { ActivationConfig, ArchType } from "../config/mod.ts";
import { initialLossScale } from "../ops/loss_scale.ts";
import { ParameterStore } from "../params/store.ts";
import { type Data, type Executor, ReferenceExecutor } from "../plan/mod.ts";
import { type Step, type Storage, tensorOver } from "../tensor/mod.ts";
import { feed, type Objective } from "../train/objective.ts";
import { type TrainingPlan, trainingPlan } from "../train/plans.ts";
import { nullOr, number, readAs } from "../file_schema.ts";
import { everyTime, type Once } from "./once.ts";
import { benchShape } from "./shapes.ts";
import { type Contents, fill, singleStep } from "./single_step.ts";
import { benchObjective } from "./step.ts";
import { at, present } from "../lists.ts";

/** Largest RMS(difference) / RMS(reference) of one step. The tests of the ops use the same bound for gradients. */
const BOUND = 1e-4;

/** An error that is kept. JSON makes null of an infinite one. */
const keptError = nullOr(number({ min: 0 }));

/**
 * The ops among `ops` whose error exceeds the bound, with the error. The inputs of each step are those of a training step of the
 * `smoke` model, computed by the reference.
 */
export async function failingOps(
  executor: Executor,
  arch: ArchType,
  { ops, precision, once = everyTime }:
    & { ops: ReadonlySet<string>; once?: Once }
    & Pick<ActivationConfig, "precision">,
) {
  const { arms: [arm], B, T } = benchShape("smoke", { models: [arch] }),
    { config } = present(arm, "the arm of the benchmark");
  const reference = new ReferenceExecutor(), store = new ParameterStore(config);
  store.initialise(reference, 1);
  reference.write(store.lossScale, initialLossScale());
  const made = trainingPlan(store, { B, T, decay: 0.1, precision });
  let computed: Promise<Contents> | undefined;
  // Computed when the first step is checked: where all have been checked before, it is not needed.
  const contents = () => computed ??= trainingContents(reference, made, benchObjective(made, { V: config.vocabSize }));
  const errors = new Map<string, number>();
  for (const [key, step] of distinct(made.plan.steps.filter(({ op }) => ops.has(op.name)))) {
    const error = await once(`check ${key}`, {
      as: (value, path) => readAs(keptError, value, path),
      measure: async () => await errorOf(step, { executor, reference, contents: await contents() }),
    }) ?? Infinity;
    errors.set(step.op.name, Math.max(errors.get(step.op.name) ?? 0, error));
  }
  return [...errors].filter(([, error]) => !(error <= BOUND)).map(([op, error]) => ({ op, error }));
}

/** What each storage holds after a training step. With a learning rate of 0 the parameters are those that the saved tensors came from. */
async function trainingContents(
  reference: ReferenceExecutor,
  { plan }: TrainingPlan,
  objective: Objective,
): Promise<Contents> {
  const program = await reference.prepare(plan);
  feed(program, objective, { step: 1, rate: 0 });
  await program.run();
  return (storage: Storage): Data => {
    const exact = program.readExact(tensorOver(storage, [storage.elements]));
    return storage.dtype === "u32" ? Uint32Array.from(exact) : Float32Array.from(exact);
  };
}

/** One step of each group with the same op, roles, accumulation and transposition, by what its group has in common. */
function distinct(steps: readonly Step[]): Map<string, Step> {
  const found = new Map<string, Step>();
  for (const step of steps) {
    const { op, attributes: { transA, transB }, reads, writes, accumulate } = step;
    found.set(JSON.stringify([op.name, transA, transB, Object.keys(reads), Object.keys(writes), accumulate]), step);
  }
  return found;
}

async function errorOf(
  step: Step,
  { executor, reference, contents }: { executor: Executor; reference: ReferenceExecutor; contents: Contents },
): Promise<number> {
  const single = singleStep(step, { count: 1 });
  const truth = await reference.prepare(single.plan), program = await executor.prepare(single.plan);
  try {
    for (const each of [truth, program]) {
      fill(each, single, written(step, contents));
      await each.run();
    }
    await program.drainMetrics();
    let worst = 0;
    for (const write of Object.values(single.writes)) {
      worst = Math.max(worst, relativeError(await program.read(write), truth.readExact(write)));
    }
    return worst;
  } finally {
    program.dispose();
  }
}

/** The contents with zeros in every storage that the step only writes. A step reads an output only to add to it. */
const written = ({ writes, accumulate, reads }: Step, contents: Contents): Contents => {
  const read = new Set(
    [...Object.values(reads), ...accumulate.map((role) => present(writes[role], role))].map((x) => x.storage),
  );
  return (storage) => {
    const values = contents(storage);
    return read.has(storage) ? values : values.fill(0);
  };
};

function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0, size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (at(got, i) - at(expected, i)) ** 2;
    size += at(expected, i) ** 2;
  }
  if (Number.isNaN(difference)) return Infinity;
  return Math.sqrt(difference / (size > 0 ? size : Math.max(1, expected.length)));
}
