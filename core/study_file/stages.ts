/** The stages of a study: from values of keys to what a training needs. */
import type { OptimizerConfig, ScheduleName, StageConfig } from "../config/mod.ts";
import { fieldsOf } from "./arms.ts";
import { keyAt } from "./keys.ts";
import { type Fault, faultAt, type Values } from "./values.ts";

/** Values of the keys of a stage. `steps` or `tokens` is there. */
type StageValues =
  & Pick<StageConfig, "rate" | "warmup" | "decay" | "batch" | "accumulate" | "evaluateEvery" | "checkpointEvery">
  & OptimizerConfig
  & { readonly steps?: number; readonly tokens?: number; readonly schedule: ScheduleName; readonly cooldown: number }
  & Required<Pick<StageConfig, "rateScaling" | "rateWidth">>;

/** A stage in which schedule and AdamW are given, usual or not. */
type WholeStage = StageConfig & Required<Pick<StageConfig, "schedule" | "optimizer" | "rateScaling">>;

/** A stage with a warm-up and evaluations that fit into its steps. T: text tokens of a sequence. */
function stageFrom(values: StageValues, T: number): WholeStage {
  const { rate, warmup, decay, batch, schedule, cooldown, checkpointEvery, beta1, beta2, eps, clip } = values;
  const { rateScaling, rateWidth } = values;
  const steps = values.tokens === undefined ? values.steps ?? 1 : Math.ceil(values.tokens / (batch * T));
  const rising = Number.isInteger(warmup) ? warmup : Math.round(warmup * steps);
  return {
    steps,
    rate,
    warmup: Math.min(rising, Math.floor(steps / 2)),
    decay,
    batch,
    evaluateEvery: Math.min(values.evaluateEvery, steps),
    accumulate: values.accumulate ?? 1,
    schedule,
    ...(schedule === "wsd" ? { cooldown } : {}),
    optimizer: { beta1, beta2, eps, clip },
    rateScaling,
    ...(rateScaling === "width" ? { rateWidth } : {}),
    ...(checkpointEvery === undefined ? {} : { checkpointEvery: Math.min(checkpointEvery, steps) }),
  };
}

/** A stage of the study, from the values of its keys. The usual schedule and the usual AdamW are left out. */
export function stageOf(values: Values, { path, T }: { path: "pretraining" | "orpo"; T: number }): StageConfig {
  const { schedule, optimizer, rateScaling, accumulate = 1, ...stage } = stageFrom(
    fieldsOf(values, path) as unknown as StageValues,
    T,
  );
  const isUsual = Object.entries(optimizer).every(([name, value]) => keyAt(`pretraining.${name}`)?.usual === value);
  return {
    ...stage,
    ...(accumulate === 1 ? {} : { accumulate }),
    ...(schedule === "cosine" ? {} : { schedule }),
    ...(isUsual ? {} : { optimizer }),
    ...(rateScaling === "none" ? {} : { rateScaling }),
  };
}

/** What an arm has of its own in the first stage; undefined where that is nothing. */
export function ownStageOf(
  values: Values,
  { arm, T }: { arm: string; T: number },
): Partial<StageConfig> | undefined {
  const own = fieldsOf(values, `arms.${arm}.pretraining`), common = fieldsOf(values, "pretraining");
  const study = stageFrom(fieldsOf(values, "pretraining") as unknown as StageValues, T);
  if (own.steps !== undefined) delete common.tokens;
  if (own.tokens !== undefined) delete common.steps;
  // An arm with batches of its own gets as many tokens as the others, unless it says how many.
  if (
    typeof own.batch === "number" && own.steps === undefined && common.steps !== undefined && own.tokens === undefined
  ) {
    common.steps = Math.max(1, Math.round(study.steps * study.batch / own.batch));
  }
  const whole = stageFrom({ ...common, ...own } as unknown as StageValues, T);
  const differs = Object.entries(whole).filter(([name, value]) =>
    JSON.stringify(study[name as keyof StageConfig]) !== JSON.stringify(value)
  );
  return differs.length === 0 ? undefined : Object.fromEntries(differs);
}

/** Batches that cannot be cut into equal parts. */
export function accumulationFaults(values: Values): Fault[] {
  const arms = [...values.keys()].flatMap((path) =>
    /^arms\.[^.]+\.pretraining(?=\.(batch|accumulate)$)/.exec(path)?.[0] ?? []
  );
  return ["pretraining", ...new Set(arms)].flatMap((table) => {
    const given = (name: string) => values.get(`${table}.${name}`) ?? values.get(`pretraining.${name}`);
    const batch = given("batch"), accumulate = given("accumulate");
    if (!batch || !accumulate || Number(batch.value) % Number(accumulate.value) === 0) return [];
    const expected = `a number that divides the batch of ${batch.value}`;
    return [{ at: faultAt(accumulate.origin), what: `${table}.accumulate`, expected, got: String(accumulate.value) }];
  });
}

/** Rates by group of parameters in a study in f16, whose loss scaling adjusts one schedule for all. */
export function rateFaults(values: Values): Fault[] {
  if (values.get("precision")?.value !== "f16") return [];
  return [...values].flatMap(([path, { value, origin }]) =>
    /(^|\.)rateScaling$/.test(path) && value !== "none"
      ? [{ at: faultAt(origin), what: path, expected: "none with precision f16", got: String(value) }]
      : []
  );
}

/** Steps and tokens of one stage in one source: nobody could say which of them holds. */
export function lengthFaults(values: Values): Fault[] {
  const tables = [
    "pretraining",
    ...new Set([...values.keys()].flatMap((path) => /^arms\.[^.]+\.pretraining/.exec(path) ?? [])),
  ];
  return tables.flatMap((table) => {
    const steps = values.get(`${table}.steps`), tokens = values.get(`${table}.tokens`);
    if (!steps || !tokens) return [];
    return [{ at: faultAt(tokens.origin), what: `${table}.tokens`, expected: `tokens or steps, not both` }];
  });
}
