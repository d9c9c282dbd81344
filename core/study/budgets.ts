/** The cost of the first stage of an arm: parameters, tokens, floating-point operations. */
import { type Arm, type StudyConfig, studyOfArm } from "../config/mod.ts";
import { parameterCount } from "../params/specs.ts";
import { updateFlops } from "./match.ts";

export interface Budget {
  readonly arm: string;
  readonly parameters: number;
  readonly steps: number;
  /** Text tokens that are trained on. */
  readonly tokens: number;
  /** Multiplications and additions of all updates. */
  readonly flops: number;
}

/** The cost of the first stage of an arm with one seed. */
export function budgetOf(study: StudyConfig, arm: Arm): Budget {
  const { pretraining: { steps, batch }, sequenceLength } = studyOfArm(study, arm);
  return {
    arm: arm.name,
    parameters: parameterCount(arm.config),
    steps,
    tokens: steps * batch * sequenceLength,
    flops: steps * updateFlops(study, arm),
  };
}
