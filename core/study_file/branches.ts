/** Shorter trainings of every arm that branch off where their rate falls: one trunk serves several budgets. */
import { type Arm, branchStep, type StudyConfig, studyOfArm } from "../config/mod.ts";
import { type Fault, faultAt, type Given, type Values } from "./values.ts";

/** The steps of `decayAt`. */
const lengthsOf = ({ value }: Given): number[] => Array.isArray(value) ? value.map(Number) : [];

/** The faults of the lengths for one arm. */
function faultsOf(study: StudyConfig, { arm, given }: { arm: Arm; given: Given }): Fault[] {
  const { steps, schedule, warmup, openLength } = studyOfArm(study, arm).pretraining, at = faultAt(given.origin);
  const what = `pretraining.decayAt of ${arm.name}`;
  if (openLength) return [{ at, what, expected: "a length in steps or tokens", got: `one in ${openLength.unit}` }];
  if (schedule !== "wsd") return [{ at, what, expected: 'schedule = "wsd"', got: schedule ?? "cosine" }];
  return lengthsOf(given).flatMap((length): Fault[] => {
    const { pretraining } = studyOfArm(study, arm), from = branchStep({ ...pretraining, steps: length });
    if (length >= steps) return [{ at, what, expected: `numbers below the ${steps} steps`, got: String(length) }];
    if (from > 0 && from >= warmup && warmup <= Math.floor(length / 2)) return [];
    return [{ at, what, expected: `lengths of at least twice the warm-up of ${warmup} steps`, got: String(length) }];
  });
}

/** The study with the shorter trainings, each after the arm that it belongs to, and the faults of `decayAt`. */
export function withBranches(study: StudyConfig, values: Values): { study: StudyConfig; faults: Fault[] } {
  const given = values.get("pretraining.decayAt");
  if (!given) return { study, faults: [] };
  const at = faultAt(given.origin), lengths = lengthsOf(given), faults: Fault[] = [];
  if (new Set(lengths).size < lengths.length) {
    faults.push({ at, what: "pretraining.decayAt", expected: "different numbers", got: lengths.join(", ") });
  }
  if (study.budget) {
    const expected = "no budget of flops or seconds, which would change the lengths";
    faults.push({ at, what: "pretraining.decayAt", expected, got: study.budget });
  }
  faults.push(...study.arms.flatMap((arm) => faultsOf(study, { arm, given })));
  const arms = study.arms.flatMap((arm): Arm[] => [
    arm,
    ...lengths.map((steps): Arm => ({
      ...arm,
      name: `${arm.name}@steps=${steps}`,
      pretraining: { ...arm.pretraining, steps },
      trunk: arm.name,
    })),
  ]);
  return { study: { ...study, arms }, faults };
}
