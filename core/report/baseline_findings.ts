/** The finding that compares the arms with the unigram and bigram baselines. */
import type { ArmResult, Run } from "../record/mod.ts";
import { oneLine } from "./caption.ts";
import { fixed, significant } from "./format.ts";
import { type Difference, differenceOf, isClear } from "./statistics.ts";
import { type ArmSummary, lastStage } from "./summary.ts";

/** Final losses of an arm's seeds minus the loss of a baseline. The baseline's loss is the same for every seed. */
function lossAbove(
  { results }: ArmSummary,
  { baseline, together }: { baseline: number; together: number },
): Difference | undefined {
  const lossOf = (result: ArmResult) => lastStage(result)?.final.loss ?? NaN;
  return differenceOf(results.map((result) => lossOf(result) - baseline).filter(Number.isFinite), { together });
}

type Standing = "better" | "unclear" | "worse";

function standing(difference: Difference): Standing {
  if (difference.interval && !isClear(difference)) return "unclear";
  return difference.mean < 0 ? "better" : "worse";
}

/** An arm with its loss above both baselines. */
interface Placed {
  readonly name: string;
  readonly bigram: Difference;
  readonly unigram: Difference;
}

/** The arm that beats the bigram baseline by the least, with its interval over the seeds. */
function closestArm(placed: readonly Placed[]): string {
  const { name, bigram: { mean, interval, pairs } } = placed.reduce((a, b) => b.bigram.mean > a.bigram.mean ? b : a);
  const range = interval
    ? ` (95 % interval over ${pairs} seeds: ${fixed(-interval[1], 3)} to ${fixed(-interval[0], 3)})`
    : "";
  return `The closest is ${name}: ${fixed(-mean, 3)} nats per token below the bigram baseline${range}.`;
}

/** One paragraph: arms that are better than both baselines, arms that are worse, and arms with too few seeds to decide. */
export function baselineFindings(run: Run, arms: readonly ArmSummary[]): string[] {
  const { unigram, bigram } = run.record.baselines;
  const values = `unigram perplexity ${significant(unigram.perplexity)}, bigram ${significant(bigram.perplexity)}`;
  const placed = arms.flatMap((arm): Placed[] => {
    const together = arms.length, overBigram = lossAbove(arm, { baseline: bigram.loss, together });
    const overUnigram = lossAbove(arm, { baseline: unigram.loss, together });
    return overBigram && overUnigram ? [{ name: oneLine(arm.name), bigram: overBigram, unigram: overUnigram }] : [];
  });
  if (placed.length === 0) return [];
  if (placed.every((arm) => standing(arm.bigram) === "better")) {
    return [`Every arm is better than both baselines (${values}). ${closestArm(placed)}`];
  }
  const group = (words: string, belongs: (bigram: Standing, unigram: Standing) => boolean) => {
    const members = placed.filter((arm) => belongs(standing(arm.bigram), standing(arm.unigram)));
    return members.length > 0 ? ` ${words}: ${members.map(({ name }) => name).join(", ")}.` : "";
  };
  return [
    `Baselines on the same tokens: ${values}.` +
    group("These seeds cannot tell whether it beats the bigram baseline", (pair) => pair === "unclear") +
    group(
      "Better than the unigram baseline, worse than the bigram baseline",
      (p, u) => p === "worse" && u === "better",
    ) +
    group("These seeds cannot tell whether it beats the unigram baseline", (p, u) => p === "worse" && u === "unclear") +
    group("Worse than the unigram baseline", (pair, single) => pair === "worse" && single === "worse") +
    " A model that does not beat the bigram baseline has not been trained long enough to judge its architecture.",
  ];
}
