/** Shorter trainings of every arm that branch off where their rate falls: one trunk serves several budgets. */
import { type Arm, branchStep, type StudyConfig, studyOfArm } from "../config/mod.ts";
import { LENGTHS } from "./stages.ts";
import { type Fault, faultAt, type Given, type Values } from "./values.ts";

/** The steps of `decayAt`. */
const lengthsOf = ({ value }: Given): number[] => Array.isArray(value) ? value.map(Number) : [];

/** What `decayAt` expects of the training of an arm, and what it has. */
type Unmet = Pick<Fault, "expected" | "got">;

/** The lengths that one arm cannot have. */
function unmetBy(study: StudyConfig, arm: Arm, lengths: readonly number[]): Unmet[] {
  const { pretraining } = studyOfArm(study, arm), { steps, schedule, warmup, openLength } = pretraining;
  if (openLength) return [{ expected: "a length in steps or tokens", got: `one in ${openLength.unit}` }];
  if (schedule !== "wsd") return [{ expected: 'schedule = "wsd"', got: schedule ?? "cosine" }];
  return lengths.flatMap((length): Unmet[] => {
    const from = branchStep({ ...pretraining, steps: length });
    if (length >= steps) return [{ expected: `numbers below the ${steps} steps`, got: String(length) }];
    if (from > 0 && from >= warmup && warmup <= Math.floor(length / 2)) return [];
    return [{ expected: `lengths of at least twice the warm-up of ${warmup} steps`, got: String(length) }];
  });
}

/** Keys of a first stage that decide whether it can have shorter trainings. */
const DECIDING = [...LENGTHS, "batch", "warmup", "schedule", "cooldown"];

/** The faults of the lengths for all arms. Arms with the same fault share one line. */
function lengthFaults(study: StudyConfig, given: Given): Fault[] {
  const lengths = lengthsOf(given), at = faultAt(given.origin), path = "pretraining.decayAt";
  const found = study.arms.flatMap((arm) => unmetBy(study, arm, lengths).map((unmet) => ({ arm, unmet })));
  return [...Map.groupBy(found, ({ unmet }) => JSON.stringify(unmet)).values()].map((same) => {
    const names = same.map(({ arm }) => arm.name), isAll = names.length === study.arms.length;
    return {
      at,
      what: isAll ? path : `${path} of ${names.join(", ")}`,
      ...same[0]?.unmet,
      keys: [
        path,
        ...DECIDING.flatMap((key) => [`pretraining.${key}`, ...names.map((name) => `arms.${name}.pretraining.${key}`)]),
      ],
    };
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
    faults.push({ at, what: "pretraining.decayAt", expected, got: study.budget, keys: ["budget"] });
  }
  faults.push(...lengthFaults(study, given));
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
