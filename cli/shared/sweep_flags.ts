/** The options of a sweep. */
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { type FlagValue, typedValue } from "../../core/study_file/mod.ts";
import { keyValue, word } from "./value_parsers.ts";

/** The values that a sweep tries. */
export const overOption = multiple(option("--over", keyValue("KEY=A,B"), {
  description: message`values to try for a key; several keys make a grid`,
}));

export const extendOption = optional(
  option("--extend", integer({ min: 0, max: 16, metavar: "N" }), {
    description: message`how many times the grid is extended if the best value is at an edge; 3 by default`,
  }),
);

export const perArmOption = option("--per-arm", {
  description: message`choose for each model separately; without it, one choice for all`,
});

/** For commands whose --seeds means the seeds of the study. */
export const sweepSeedsOption = optional(
  option("--sweep-seeds", word("N|A,B"), {
    description: message`seeds of the choice with --over: how many, or a list; 2 by default, from 10001 on`,
  }),
);

/** The flags of a sweep as values of its keys. */
export function sweepFlags(
  { over, perArm, seeds, extend }: {
    over: readonly string[];
    perArm: boolean;
    seeds?: string;
    extend?: number;
  },
): FlagValue[] {
  return [
    ...(over.length > 0 ? [{ flag: "--over", path: "sweep.over", value: over }] : []),
    ...(perArm ? [{ flag: "--per-arm", path: "sweep.perArm", value: true }] : []),
    ...(seeds === undefined ? [] : [{ flag: "--seeds", path: "sweep.seeds", value: typedValue(seeds, "sweep.seeds") }]),
    ...(extend === undefined ? [] : [{ flag: "--extend", path: "sweep.extend", value: extend }]),
  ];
}
