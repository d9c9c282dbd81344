/** speeds.json: how fast each arm trains and generates, measured at the end of a study. */
import { type Checked, list, number, object, oneOf, readAs } from "../file_schema.ts";
import { armName, RECORD_LIMITS } from "./rules.ts";

/** Tokens per second, one value per round. */
const rounds = list(number({ min: 0 }), { min: 1, max: 1000 });

const armSpeeds = object({ arm: armName, training_tokens_per_s: rounds, generation_tokens_per_s: rounds });

const speeds = object({
  format: oneOf([1]),
  /** The measured arms, in the order of the study. */
  arms: list(armSpeeds, { max: RECORD_LIMITS.arms }),
});

export type ArmSpeeds = Checked<typeof armSpeeds>;
export type Speeds = Checked<typeof speeds>;

/** Throws a HymbaError with the file and the place of the first value that is wrong. */
export const speedsOf = (value: unknown, path: string): Speeds => readAs(speeds, value, path);
