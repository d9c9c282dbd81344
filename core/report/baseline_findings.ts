/** Whether models have learnt more than counting tokens gives, as far as the seeds tell. */
import type { ArmResult, Run } from "../record/mod.ts";
import { line } from "./caption.ts";
import { fixed, significant } from "./format.ts";
import { type Difference, differenceOf, isClear } from "./statistics.ts";
import { type ArmSummary, lastStage } from "./summary.ts";

/** Final losses of an arm's seeds less that of a baseline, whose own loss has no noise of training. */
function above({ results }: ArmSummary, baseline: number): Difference | undefined {
  const lossOf = (result: ArmResult) => lastStage(result)?.final.loss ?? NaN;
  return differenceOf(results.map((result) => lossOf(result) - baseline).filter(Number.isFinite));
}

type Standing = "better" | "open" | "worse";

function standing(difference: Difference): Standing {
  if (difference.interval && !isClear(difference)) return "open";
  return difference.mean < 0 ? "better" : "worse";
}

/** The arm that is least below a baseline, with its interval over the seeds. */
function nearest(arms: readonly ArmSummary[], { name, loss }: { name: string; loss: number }): string {
  const all = arms.flatMap((arm) => {
    const difference = above(arm, loss);
    return difference ? [{ arm, difference }] : [];
  });
  const { arm, difference: { mean, interval, pairs } } = all.reduce((a, b) =>
    b.difference.mean > a.difference.mean ? b : a
  );
  const range = interval
    ? `, 95 % interval over ${pairs} seeds ${fixed(-interval[1], 3)} to ${fixed(-interval[0], 3)}`
    : "";
  return `the nearest, ${line(arm.name)}, is below the ${name} baseline by ${fixed(-mean, 3)} nats per token${range}`;
}

/** One paragraph: which arms are better than both baselines, and which are not or cannot be told from them. */
export function baselineFindings(run: Run, arms: readonly ArmSummary[]): string[] {
  const { unigram, bigram } = run.record.baselines;
  const values = `unigram perplexity ${significant(unigram.perplexity)}, bigram ${significant(bigram.perplexity)}`;
  const placed = arms.flatMap((arm) => {
    const [pair, single] = [above(arm, bigram.loss), above(arm, unigram.loss)];
    return pair && single ? [{ name: line(arm.name), pair: standing(pair), single: standing(single) }] : [];
  });
  if (placed.length === 0) return [];
  if (placed.every(({ pair }) => pair === "better")) {
    return [`Every arm is better than both baselines (${values}); ${nearest(arms, { name: "bigram", ...bigram })}.`];
  }
  const said = (words: string, of: (place: typeof placed[number]) => boolean) => {
    const names = placed.filter(of).map(({ name }) => name);
    return names.length > 0 ? ` ${words}: ${names.join(", ")}.` : "";
  };
  return [
    `Baselines on the same tokens: ${values}.` +
    said("Not told apart from the bigram baseline by these seeds", ({ pair }) => pair === "open") +
    said(
      "Better than the unigram but not than the bigram baseline",
      (p) => p.pair === "worse" && p.single === "better",
    ) +
    said(
      "Not told apart from counting single tokens by these seeds",
      (p) => p.pair === "worse" && p.single === "open",
    ) +
    said("Not better than counting single tokens", (p) => p.pair === "worse" && p.single === "worse") +
    " Such a model is trained too briefly for its architecture to be judged.",
  ];
}
