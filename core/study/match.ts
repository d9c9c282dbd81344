/** Gives all arms the same number of parameters, by the width of their feed-forward parts. */
import { ArchType, type Arm, type HymbaConfig, type StudyConfig } from "../config/mod.ts";
import { HymbaError } from "../errors.ts";
import { parameterCount } from "../params/specs.ts";
import { type Overrides, type ResolvedStudy, resolvePreset } from "../study_file/mod.ts";

/** Widths are multiples of this, so that rows of weights begin at multiples of 16 bytes. */
const STEP = 4;
/** Of the reference's parameters. */
const TOLERANCE = 0.01;

/**
 * The configuration with the feed-forward width that brings it nearest to `target` parameters. The count is linear in the
 * width: F more columns are 3 · D · F more numbers a layer. Throws a HymbaError when no width comes within 1 %.
 */
export function matchParameters({ name, config }: Arm, target: number): HymbaConfig {
  const count = parameterCount(config);
  if (count === target) return config;
  const width = config.ffnHidden + (target - count) / (3 * config.dModel * config.nLayers);
  const matched = config.with({ ffnHidden: Math.max(STEP, STEP * Math.round(width / STEP)) });
  const got = parameterCount(matched);
  if (Math.abs(got / target - 1) > TOLERANCE) {
    throw new HymbaError(`${name} cannot be given the size of ${ArchType.HYBRID}`, {
      expected: `${target} parameters to within ${100 * TOLERANCE} %`,
      got: `${got} with a feed-forward width of ${matched.ffnHidden}`,
      hint: "--match none compares the models at one feed-forward width",
    });
  }
  return matched;
}

/** The study with its arms matched to the size of `hymba` at its shape, whether or not that is one of them. */
export function matchedStudy({ study, reference }: Pick<ResolvedStudy, "study" | "reference">): StudyConfig {
  if (study.match === "none") return study;
  const target = parameterCount(reference.config);
  return {
    ...study,
    arms: study.arms.map((arm) => ({ name: arm.name, config: matchParameters(arm, target) })),
  };
}

/** The matched study of a preset. Throws UsageError for a name or value that does not exist. */
export const resolvedStudy = (preset: string, overrides: Overrides = {}): StudyConfig =>
  matchedStudy(resolvePreset(preset, overrides));
