/**
 * Where the compiler's model was wrong: the times of the kernels of a training step, by the device's clock, beside the estimates of
 * results/bench/isa.json (made by tests/bench/isa/run.ts for chips of AMD). On another GPU only the shares of a step can be compared.
 */
import type { Arm } from "../../config/mod.ts";
import { systemDisk } from "../../disk/mod.ts";
import { type Checked, list, mapOf, number, object, readAs, text } from "../../file_schema.ts";
import { ParameterStore } from "../../params/store.ts";
import type { Executor, Profile } from "../../plan/mod.ts";
import { readJson } from "../../record/mod.ts";
import { feed } from "../../train/objective.ts";
import { trainingPlan } from "../../train/plans.ts";
import { benchObjective } from "../step.ts";
import { Absent, type Found, type Part, type PartContext, withBackend } from "./part.ts";

const name = text({ max: 1024 });

const survey = object({
  /** Product names of the chips: RX 7900 XTX. */
  chips: mapOf(name, { max: 64 }),
  estimates: list(
    object({
      arm: name,
      stage: name,
      precision: name,
      chip: name,
      kernels: mapOf(object({ launches: number(), microseconds: number() }), { max: 10_000 }),
    }),
    { max: 10_000 },
  ),
});

/** The part of results/bench/isa.json that is needed here. */
export type Survey = Checked<typeof survey>;

/** The chip whose shares stand for GPUs of other makers. */
const OTHERWISE = "navi31";
/** A kernel with a smaller share of the step, in both, is not judged. */
const SMALLEST_SHARE = 0.01;
/** An estimate is wrong when it is off by more than this factor. */
const WRONG = 1.5;

/** A kernel of a training step. */
export interface Predicted {
  readonly kernel: string;
  readonly launches: number;
  readonly measured_ms: number;
  readonly measured_share: number;
  readonly predicted_ms: number;
  readonly predicted_share: number;
  /** Measured / predicted: of the times on the chip itself, else of the shares. */
  readonly ratio: number;
  readonly wrong: boolean;
}

/** A kernel without the variant of its tile: adapters of another class use other tiles. */
const baseOf = (kernel: string): string => kernel.split(" ", 1)[0] ?? kernel;

type Sums = Map<string, { launches: number; ms: number }>;

/** The sums of a model as they are kept. */
const keptSums = mapOf(object({ launches: number({ min: 0 }), ms: number({ min: 0 }) }), { max: 10_000 });

function add(sums: Sums, kernel: string, { launches, ms }: { launches: number; ms: number }): void {
  const base = baseOf(kernel), sum = sums.get(base) ?? { launches: 0, ms: 0 };
  sums.set(base, { launches: sum.launches + launches, ms: sum.ms + ms });
}

/** Times of the kernels of a profile. */
export function measuredSums({ spans }: Pick<Profile, "spans">): Sums {
  const sums: Sums = new Map();
  for (const { kernel, start, end } of spans) add(sums, kernel, { launches: 1, ms: 1000 * (end - start) });
  return sums;
}

const total = (sums: Sums) => [...sums.values()].reduce((sum, { ms }) => sum + ms, 0);

/** Each kernel beside its estimate. `sameChip`: the estimates are those of this very chip. */
export function compare(measured: Sums, predicted: Sums, { sameChip }: { sameChip: boolean }): Predicted[] {
  const all = total(measured), foreseen = total(predicted) || 1;
  return [...measured].map(([kernel, { launches, ms }]) => {
    const predicted_ms = predicted.get(kernel)?.ms ?? 0;
    const [measured_share, predicted_share] = [ms / all, predicted_ms / foreseen];
    const ratio = sameChip ? ms / predicted_ms : measured_share / predicted_share;
    const counts = Math.max(measured_share, predicted_share) >= SMALLEST_SHARE;
    const wrong = counts && !(ratio <= WRONG && ratio >= 1 / WRONG);
    return { kernel, launches, measured_ms: ms, measured_share, predicted_ms, predicted_share, ratio, wrong };
  }).sort((a, b) => b.measured_ms - a.measured_ms);
}

/** The estimates of a model's training on a chip. */
export function predictedSums({ estimates }: Survey, { arm, chip }: { arm: string; chip: string }): Sums {
  const sums: Sums = new Map();
  const found = estimates.find((one) =>
    one.arm === arm && one.chip === chip && one.stage === "training" && one.precision === "f32"
  );
  for (const [kernel, { launches, microseconds }] of Object.entries(found?.kernels ?? {})) {
    add(sums, kernel, { launches, ms: microseconds / 1000 });
  }
  return sums;
}

/** The chip of an adapter, by the product's name. */
export const chipOf = ({ chips }: Survey, adapter: string): string | undefined =>
  Object.entries(chips).find(([, product]) => adapter.includes(product))?.[0];

interface ModelReport {
  readonly arm: string;
  readonly kernels: readonly Predicted[];
}

function foundOf(models: readonly ModelReport[], { chip, sameChip }: { chip: string; sameChip: boolean }): Found {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const columns = ["kernel", "launches", "measured ms", "share", `${chip}, ms`, "share", "measured / predicted", ""];
  const tables = models.map(({ arm, kernels }) => ({
    title: `Kernels of ${arm} and their estimates`,
    columns,
    rows: kernels.map((one) => [
      one.kernel,
      String(one.launches),
      one.measured_ms.toFixed(3),
      percent(one.measured_share),
      one.predicted_ms.toFixed(3),
      percent(one.predicted_share),
      Number.isFinite(one.ratio) ? one.ratio.toFixed(2) : "—",
      one.wrong ? "wrong" : "",
    ]),
    note: sameChip
      ? `Times are compared: the estimates are for this chip. Wrong: off by more than a factor of ${WRONG}.`
      : `Shares of the step are compared, because the estimates are for ${chip}. Wrong: off by more than a factor of ${WRONG}.`,
  }));
  return { result: { chip, same_chip: sameChip, models }, tables };
}

/** The kernels of one training step of a model, by the device's clock. */
async function profileOf(executor: Executor, { config }: Arm, { B, T }: PartContext["shape"]): Promise<Profile> {
  const store = new ParameterStore(config), made = trainingPlan(store, { B, T, decay: 0.1 });
  store.initialise(executor, 1);
  const program = await executor.prepare(made.plan);
  try {
    feed(program, benchObjective(made, { V: config.vocabSize }), { step: 1, rate: 1e-4 });
    await program.run();
    await program.drainMetrics();
    const profile = await program.profile?.();
    if (profile?.clock === "device") return profile;
    throw new Absent("this executor has no clock of the device (timestamp queries)");
  } finally {
    program.dispose();
    store.release(executor);
  }
}

export const predictionsPart: Part = (context) => {
  const { shape, predictions: path, clock, keep, once } = context;
  const as = (value: unknown, path: string) => readAs(survey, value, path);
  return withBackend(context, undefined, async ({ executor, adapter }) => {
    const found = path === undefined ? undefined : await readJson(systemDisk, path, { as });
    if (!found) throw new Absent("no estimates of the compiler's model (results/bench/isa.json)");
    if (shape.name !== "paper") throw new Absent(`the estimates are for paper, not for ${shape.name}`);
    const own = chipOf(found, `${adapter.name} ${adapter.driver}`), chip = own ?? OTHERWISE, models: ModelReport[] = [];
    for (const arm of shape.arms) {
      if (clock.over()) break;
      const sums = await once(arm.name, {
        as: (value, path) => readAs(keptSums, value, path),
        measure: async () => Object.fromEntries(measuredSums(await profileOf(executor, arm, shape))),
      });
      const measured = new Map(Object.entries(sums));
      const predicted = predictedSums(found, { arm: arm.name, chip });
      models.push({ arm: arm.name, kernels: compare(measured, predicted, { sameChip: own !== undefined }) });
      await keep(foundOf(models, { chip, sameChip: own !== undefined }));
    }
    return shape.arms.length - models.length;
  });
};
