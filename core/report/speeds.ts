/**
 * Speeds for tables and figures, and times that follow from them: the median of all rounds with its interval, or a text that it
 * is not measurable.
 */
import type { Run } from "../record/mod.ts";
import { isSteady, medianOf } from "../study/medians.ts";
import { studyOfArm } from "../config/mod.ts";
import { withoutBranches } from "./branches.ts";
import { oneLine } from "./caption.ts";
import { duration, significant } from "./format.ts";
import type { Spread } from "./summary.ts";

export type SpeedKind = "training" | "generation";

/** The text in place of a speed. */
export const NOT_MEASURED = "not measured", NOT_MEASURABLE = "not measurable here";

/** The rounds of an arm. A shorter training makes the same updates as the arm that it belongs to, and has its speed. */
function roundsOf({ speeds, record: { study } }: Run, arm: string, kind: SpeedKind): readonly number[] {
  const trunk = study.arms.find(({ name }) => name === arm)?.trunk;
  const of = (wanted: string | undefined) => speeds?.arms.find((each) => each.arm === wanted);
  return (of(arm) ?? of(trunk))?.[`${kind}_tokens_per_s`] ?? [];
}

/** The median of the rounds with its 95 % interval. */
export function speedOf(run: Run, arm: string, kind: SpeedKind): Spread | undefined {
  const found = medianOf(roundsOf(run, arm, kind));
  if (!found) return undefined;
  const { median: mean, low, high, count } = found;
  return { mean, low, high, deviation: undefined, count };
}

/** The spread if it is steady; otherwise a figure has no bar. */
export function steadySpeed(run: Run, arm: string, kind: SpeedKind): Spread | undefined {
  const found = speedOf(run, arm, kind);
  return found && isSteady(found) ? found : undefined;
}

/** The words in place of a bar. */
export const missingSpeed = (run: Run): string => run.speeds ? NOT_MEASURABLE : NOT_MEASURED;

/** `5243 (5100 to 5302)`, or the reason why there is no number. */
export function speedText(run: Run, arm: string, kind: SpeedKind): string {
  const found = speedOf(run, arm, kind);
  if (!found) return NOT_MEASURED;
  if (!isSteady(found)) return NOT_MEASURABLE;
  return `${significant(found.mean, 4)} (${significant(found.low, 4)} to ${significant(found.high, 4)})`;
}

/**
 * Seconds that the first stage of an arm takes at the measured speed, with the interval of the speed. Undefined if the speed is
 * not steady. `tokens`: the text tokens that were trained on; by default those of the whole stage.
 */
export function trainingTime(run: Run, arm: string, tokens = stageTokens(run, arm)): Spread | undefined {
  const speed = steadySpeed(run, arm, "training");
  if (!speed || tokens === undefined) return undefined;
  const { mean, low, high, count } = speed;
  return { mean: tokens / mean, low: tokens / high, high: tokens / low, deviation: undefined, count };
}

/** Text tokens of an update of the first stage. */
export function tokensPerStep({ record: { study } }: Run, arm: string): number {
  const { pretraining: { batch } } = studyOfArm(study, study.arms.find(({ name }) => name === arm) ?? { name: arm });
  return batch * study.sequenceLength;
}

/** Text tokens of the first stage of an arm; undefined if it did not finish the stage. */
const stageTokens = (run: Run, arm: string): number | undefined =>
  run.results.find((result) => result.arm === arm && result.stages.pretraining)?.stages.pretraining?.tokens;

/** `83.3 s (81.2 s to 84.9 s)`, or the reason why there is no number. */
export function trainingTimeText(run: Run, arm: string): string {
  const found = trainingTime(run, arm);
  if (!found) return speedOf(run, arm, "training") ? NOT_MEASURABLE : NOT_MEASURED;
  return `${duration(found.mean)} (${duration(found.low)} to ${duration(found.high)})`;
}

/** What a reader of a figure with times has to know: whose time is missing, and how wide the intervals are. */
export function timeNotes(run: Run): string[] {
  const { arms } = withoutBranches(run).record.study, found = arms.map(({ name }) => trainingTime(run, name));
  const missing = arms.filter((_, i) => !found[i]).map(({ name }) => oneLine(name));
  const widths = found.flatMap((spread) => spread ? [spread.high / spread.low] : []);
  const width = `${((Math.max(...widths) - 1) * 100).toFixed(0)} %`;
  return [
    ...(widths.length > 0
      ? [`Times are tokens at the measured speed. Their 95 % intervals are at most ${width} wide.`]
      : []),
    ...(missing.length > 0 ? [`No time, because the speed was ${missingSpeed(run)}: ${missing.join(", ")}.`] : []),
  ];
}
