/** The stages of a study: converts values of keys to configurations of training. */
import { atSteps, type OptimizerConfig, type ScheduleName, type StageConfig } from "../config/mod.ts";
import { fieldsOf } from "./arms.ts";
import { keyAt } from "./keys.ts";
import { type Fault, faultAt, type Values } from "./values.ts";

/** The keys for the length of the first stage. A source may set only one of them. */
export const LENGTHS = ["steps", "tokens", "epochs", "flops"] as const;

/** Values of the keys of a stage, with one of {@link LENGTHS}. */
type StageValues =
  & Pick<StageConfig, "rate" | "warmup" | "decay" | "batch" | "accumulate" | "evaluateEvery" | "checkpointEvery">
  & OptimizerConfig
  & { readonly [length in typeof LENGTHS[number]]?: number }
  & { readonly schedule: ScheduleName; readonly cooldown: number }
  & Required<Pick<StageConfig, "rateScaling" | "rateWidth">>;

/** A stage in which schedule and AdamW are given, usual or not. */
type WholeStage = StageConfig & Required<Pick<StageConfig, "schedule" | "optimizer" | "rateScaling">>;

/** Steps and what follows from them. Epochs and operations become steps when the study is fitted to its text. */
function lengthFrom(values: StageValues, T: number): ReturnType<typeof atSteps> & Pick<StageConfig, "openLength"> {
  const { steps, tokens, epochs, flops, warmup, batch, evaluateEvery, checkpointEvery } = values;
  const given = { warmup, evaluateEvery, checkpointEvery };
  if (tokens !== undefined) return atSteps(Math.ceil(tokens / (batch * T)), given);
  if (epochs !== undefined) return { ...atSteps(1, given), openLength: { unit: "epochs", count: epochs, given } };
  if (flops !== undefined) return { ...atSteps(1, given), openLength: { unit: "flops", count: flops, given } };
  return atSteps(steps ?? 1, given);
}

/** A stage of one length. T: text tokens of a sequence. */
function stageFrom(values: StageValues, T: number): WholeStage {
  const { rate, decay, batch, schedule, cooldown, beta1, beta2, eps, clip, rateScaling, rateWidth } = values;
  const { steps, warmup, evaluateEvery, ...rest } = lengthFrom(values, T);
  return {
    steps,
    rate,
    warmup,
    decay,
    batch,
    evaluateEvery,
    accumulate: values.accumulate ?? 1,
    schedule,
    ...(schedule === "wsd" ? { cooldown } : {}),
    optimizer: { beta1, beta2, eps, clip },
    rateScaling,
    ...(rateScaling === "width" ? { rateWidth } : {}),
    ...rest,
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

/** An arm's own values of the first stage; undefined if there are none. */
export function ownStageOf(
  values: Values,
  { arm, T }: { arm: string; T: number },
): Partial<StageConfig> | undefined {
  const own = fieldsOf(values, `arms.${arm}.pretraining`), common = fieldsOf(values, "pretraining");
  const study = stageFrom(fieldsOf(values, "pretraining") as unknown as StageValues, T);
  const hasLength = LENGTHS.some((name) => own[name] !== undefined);
  if (hasLength) { for (const name of LENGTHS) delete common[name]; }
  // An arm with its own batch size gets as many tokens as the others, unless it sets a length.
  if (typeof own.batch === "number" && !hasLength && common.steps !== undefined) {
    common.steps = Math.max(1, Math.round(study.steps * study.batch / own.batch));
  }
  const whole = stageFrom({ ...common, ...own } as unknown as StageValues, T);
  const differs = Object.entries(whole).filter(([name, value]) =>
    JSON.stringify(study[name as keyof StageConfig]) !== JSON.stringify(value)
  );
  // An arm can have a length in steps in a study whose length is open.
  const closed = study.openLength && !whole.openLength ? { openLength: undefined } : {};
  const all = { ...Object.fromEntries(differs), ...closed };
  return Object.keys(all).length === 0 ? undefined : all;
}

/** Batches that cannot be cut into equal parts. */
export function accumulationFaults(values: Values): Fault[] {
  const arms = [...values.keys()].flatMap((path) =>
    /^arms\.[^.]+\.pretraining(?=\.(batch|accumulate)$)/.exec(path)?.[0] ?? []
  );
  return ["pretraining", "orpo", ...new Set(arms)].flatMap((table) => {
    const given = (name: string) =>
      values.get(`${table}.${name}`) ?? (table === "orpo" ? undefined : values.get(`pretraining.${name}`));
    const batch = given("batch"), accumulate = given("accumulate");
    if (!batch || !accumulate || Number(batch.value) % Number(accumulate.value) === 0) return [];
    const expected = `a number that divides the batch of ${batch.value}`;
    const keys = [table, "pretraining"].flatMap((one) => [`${one}.batch`, `${one}.accumulate`]);
    const got = String(accumulate.value);
    return [{ at: faultAt(accumulate.origin), what: `${table}.accumulate`, expected, got, keys }];
  });
}

/** Rates by group of parameters in a study in f16, whose loss scaling adjusts one schedule for all. */
export function rateFaults(values: Values): Fault[] {
  if (values.get("precision")?.value !== "f16") return [];
  return [...values].flatMap(([path, { value, origin }]) =>
    /(^|\.)rateScaling$/.test(path) && value !== "none"
      ? [{
        at: faultAt(origin),
        what: path,
        expected: "none with precision f16",
        got: String(value),
        keys: ["precision"],
      }]
      : []
  );
}

/** Tensor cores for products that no precision rounds to f16. */
export function tensorCoreFaults(values: Values): Fault[] {
  const asked = values.get("tensorCores"), precision = values.get("precision");
  if (asked?.value !== "on" || precision?.value === "f16") return [];
  const got = `precision ${String(precision?.value ?? "that the machine chooses")}`;
  const expected = "auto or off, or precision f16", keys = ["precision"];
  return [{ at: faultAt(asked.origin), what: "tensorCores", expected, got, keys }];
}

/** The tables of first stages: that of the study and those of arms. */
const stageTables = (values: Values): string[] => [
  "pretraining",
  ...new Set([...values.keys()].flatMap((path) => /^arms\.[^.]+\.pretraining/.exec(path) ?? [])),
];

/** The fault of several lengths of one stage in one source, which would be ambiguous. */
function doubledLengths(values: Values): Fault[] {
  return stageTables(values).flatMap((table): Fault[] => {
    const names = LENGTHS.filter((name) => values.has(`${table}.${name}`)), last = names.at(-1);
    const given = last && values.get(`${table}.${last}`);
    if (!given || names.length < 2) return [];
    const expected = "one of steps, tokens, epochs and flops";
    return [{ at: faultAt(given.origin), what: `${table}.${last}`, expected, got: names.join(" and ") }];
  });
}

/** The faults of the lengths of the first stage: several in one source, none at all, or one that a budget determines. */
export function lengthFaults(values: Values): Fault[] {
  const zero = stageTables(values).flatMap((table): Fault[] =>
    (["epochs", "flops"] as const).flatMap((name) => {
      const given = values.get(`${table}.${name}`);
      if (given?.value !== 0) return [];
      return [{ at: faultAt(given.origin), what: `${table}.${name}`, expected: "a number above 0", got: "0" }];
    })
  );
  const budget = values.get("budget")?.value;
  const decided = budget !== "seconds" ? [] : stageTables(values).flatMap((table): Fault[] => {
    const given = values.get(`${table}.flops`),
      expected = 'no value, because budget = "seconds" gives all models one time';
    return given ? [{ at: faultAt(given.origin), what: `${table}.flops`, expected, keys: ["budget"] }] : [];
  });
  return [...doubledLengths(values), ...zero, ...decided];
}
