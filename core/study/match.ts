/** Gives all arms the same number of parameters, by the width of their feed-forward parts. */
import { ArchType, type Arm, hasOpenLength, type HymbaConfig, type StudyConfig, studyOfArm } from "../config/mod.ts";
import { HymbaError } from "../errors.ts";
import { present } from "../lists.ts";
import { parameterCount } from "../params/specs.ts";
import { ParameterStore } from "../params/store.ts";
import { type Overrides, type ResolvedStudy, resolvePreset } from "../study_file/mod.ts";
import { flopsOfUpdate, pretrainingPlan } from "./stage_plans.ts";

/** Widths are multiples of this, so that rows of weights begin at multiples of 16 bytes. */
const STEP = 4;
/** Largest deviation, as a share of the reference's number of parameters. */
const TOLERANCE = 0.01;

/**
 * The configuration with the feed-forward width that gives the number of parameters closest to `target`. The number is linear
 * in the width: each column adds 3 · D parameters per layer. Throws a HymbaError when no width comes within 1 %.
 */
export function matchParameters({ name, config }: Arm, target: number): HymbaConfig {
  const count = parameterCount(config);
  if (count === target) return config;
  const width = config.ffnHidden + (target - count) / (3 * config.dModel * config.nLayers);
  const matched = config.with({ ffnHidden: Math.max(STEP, STEP * Math.round(width / STEP)) });
  const got = parameterCount(matched);
  if (Math.abs(got / target - 1) > TOLERANCE) {
    throw new HymbaError(`${name} cannot be matched to the size of ${ArchType.HYBRID}`, {
      expected: `${target} parameters to within ${100 * TOLERANCE} %`,
      got: `${got} with a feed-forward width of ${matched.ffnHidden}`,
      hint: "--match none compares the models at one feed-forward width",
    });
  }
  return matched;
}

/** The study with all arms matched to the size of `hymba` at the study's shape, even if `hymba` is not an arm. */
function ofOneSize({ study, reference }: Pick<ResolvedStudy, "study" | "reference">): StudyConfig {
  if (study.match === "none") return study;
  const target = parameterCount(present(reference, "the model hymba").config);
  return {
    ...study,
    arms: study.arms.map((arm) => ({ ...arm, config: matchParameters(arm, target) })),
  };
}

/** Floating-point operations of one update of the first stage. */
export function updateFlops(study: StudyConfig, arm: Arm): number {
  return flopsOfUpdate(pretrainingPlan(studyOfArm(study, arm), new ParameterStore(arm.config)));
}

/**
 * The study with steps per arm such that the first stage of every arm costs as much as that of the first arm. `cost`: the cost
 * of one update. Warm-up and evaluations keep their shares of the steps.
 */
function ofOneCost(study: StudyConfig, cost: (arm: Arm) => number): StudyConfig {
  const [first] = study.arms;
  if (first === undefined) return study;
  const total = studyOfArm(study, first).pretraining.steps * cost(first);
  const arms = study.arms.map((arm): Arm => {
    const own = studyOfArm(study, arm).pretraining, steps = Math.max(1, Math.round(total / cost(arm)));
    if (steps === own.steps) return arm;
    const scaled = (count: number) => Math.round(count * steps / own.steps);
    const fitted = { warmup: scaled(own.warmup), evaluateEvery: Math.max(1, scaled(own.evaluateEvery)) };
    return { ...arm, pretraining: { ...arm.pretraining, steps, ...fitted } };
  });
  return { ...study, arms };
}

/** The study with equal floating-point operations for every arm, if its budget is flops and its steps are known. */
export const ofOneBudget = (study: StudyConfig): StudyConfig =>
  study.budget === "flops" && !hasOpenLength(study) ? ofOneCost(study, (arm) => updateFlops(study, arm)) : study;

/** The study with equal time for every arm, if its budget is seconds. `seconds`: the time of an update, by arm. */
export const ofOneTime = (study: StudyConfig, seconds: Readonly<Record<string, number>>): StudyConfig =>
  study.budget === "seconds" ? ofOneCost(study, ({ name }) => present(seconds[name], `the time of ${name}`)) : study;

/** A resolved study as it is run: with matched sizes and budgets, if it asks for that. */
export const matchedStudy = (resolved: Pick<ResolvedStudy, "study" | "reference">): StudyConfig =>
  ofOneBudget(ofOneSize(resolved));

/** The matched study of a preset. Throws UsageError for a name or value that does not exist. */
export const resolvedStudy = (preset: string, overrides: Overrides = {}): StudyConfig =>
  matchedStudy(resolvePreset(preset, overrides));
