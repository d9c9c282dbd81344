/** The findings of a run: sentences that are derived from its numbers. */
import { ArchType, mainArm } from "../config/mod.ts";
import type { ArmResult, Run, StageResult } from "../record/mod.ts";
import { frontierFindings } from "./frontier.ts";
import { baselineFindings } from "./baseline_findings.ts";
import { oneLine, seedsOf } from "./caption.ts";
import { bytes, capitalised, fixed, percent, significant } from "./format.ts";
import { probeOf, recallFinding } from "./recall.ts";
import {
  comparedPart,
  type Difference,
  differenceOf,
  factorEffects,
  isClear,
  lastStageOf,
  marginOf,
  negated,
  paired,
  standingOf,
  tokenDifference,
} from "./statistics.ts";
import { type ArmSummary, failuresOf, lastStage, ofStage, summaries, testQuality } from "./summary.ts";

const lossOf = (result: ArmResult) => lastStage(result)?.final.loss;

/** A difference of losses in words: nats, the interval if there is one, and the factor on the perplexity. */
function inWords({ mean, interval }: Difference): string {
  const range = interval ? `, 95 % interval ${fixed(interval[0], 3)} to ${fixed(interval[1], 3)}` : "";
  return `${fixed(mean, 3)} nats per token${range} (a factor of ${fixed(Math.exp(mean), 3)} on perplexity)`;
}

type Ranking = readonly { arm: ArmSummary; loss: number }[];

function ranking(arms: readonly ArmSummary[]): Ranking {
  return arms.flatMap((arm) => {
    const spread = arm.spread(lossOf);
    return spread ? [{ arm, loss: spread.mean }] : [];
  }).toSorted((a, b) => a.loss - b.loss);
}

/** The order on the test part, which no choice depends on. Empty if it was not evaluated. */
function testOrder(run: Run): string[] {
  if (!run.test) return [];
  const stage = lastStageOf(run);
  const found = summaries(run).flatMap(({ name, spread }) => {
    const perplexity = spread((result) => testQuality(run, result, stage)?.perplexity);
    return perplexity ? [{ name: oneLine(name), mean: perplexity.mean }] : [];
  }).toSorted((a, b) => a.mean - b.mean);
  const order = found.map(({ name, mean }) => `${name} ${significant(mean)}`).join(", ");
  return found.length > 0 ? [`Test perplexity after the last stage, lowest first: ${order}.`] : [];
}

function orderFindings(run: Run, ranked: Ranking): string[] {
  if (ranked.length === 0) return ["No arm finished a stage: there is nothing to compare."];
  const { most } = seedsOf(run);
  const perplexityOf = (result: ArmResult) => lastStage(result)?.final.perplexity;
  // The mean of the seeds' perplexities, as in tables and figures. It is slightly larger than e to the mean loss.
  const order = ranked.map(({ arm }) => `${oneLine(arm.name)} ${significant(arm.spread(perplexityOf)?.mean)}`).join(
    ", ",
  );
  const found = [`Validation perplexity after the last stage, lowest first: ${order}.`, ...testOrder(run)];
  if (most === 1 && ranked.length > 1) {
    found.push(
      "This is one seed. The spread between seeds is unknown, and another seed may change the order. Treat differences " +
        "of a few per cent as noise." +
        (run.tokenLosses.length > 0
          ? ` The intervals below cover the choice of the ${comparedPart(run)} text only.`
          : ""),
    );
  }
  return found;
}

/**
 * The difference of the losses on the compared tokens. If these were not stored, the difference of the mean losses of the
 * seeds.
 */
function differenceBetween(run: Run, [first, second]: readonly [ArmSummary, ArmSummary]): Difference | undefined {
  const arms = summaries(run).length, together = arms * (arms - 1) / 2;
  return tokenDifference(run, [first.name, second.name]) ?? paired([first, second], { measure: lossOf, together });
}

/** The sources of noise that an interval covers. */
function noiseOf(run: Run, { pairs, blocks }: Difference): string {
  const text = blocks === undefined ? "" : `the ${comparedPart(run)} text`;
  return pairs === 1 ? text : `${pairs} seeds${text ? ` and ${text}` : ""}`;
}

function comparison(run: Run, [first, second]: readonly [ArmSummary, ArmSummary]): string | undefined {
  const difference = differenceBetween(run, [first, second]);
  if (!difference) return undefined;
  const a = oneLine(first.name), b = oneLine(second.name), standing = standingOf(difference, marginOf(run));
  if (standing === "equal" || standing === "undecided") {
    return `${a} against ${b}: ${unclear(run, difference)}.`;
  }
  const verb = standing === "lower" ? "is better than" : "is worse than";
  return `${a} ${verb} ${b} by ${inWords(positive(difference))}${within(run, difference)}.`;
}

/** A difference whose interval contains zero, in words. */
function unclear(run: Run, difference: Difference): string {
  const margin = `the margin of ${marginOf(run)} nats per token`;
  return standingOf(difference, marginOf(run)) === "equal"
    ? `equal within ${margin}, ${inWords(difference)}`
    : `undecided: smaller than the noise of ${noiseOf(run, difference)}, ${inWords(difference)}`;
}

/** Says that a clear difference is too small to matter; empty if it is larger or could be. */
function within(run: Run, { interval }: Difference): string {
  const margin = marginOf(run);
  return interval && interval[0] > -margin && interval[1] < margin
    ? `, which is less than the margin of ${margin}`
    : "";
}

/** The absolute value of the difference. */
const positive = (difference: Difference): Difference => difference.mean >= 0 ? difference : negated(difference);

/** What the verdict calls a model: the parallel hybrid is "the hybrid". */
const calledIn = ({ name, arm }: ArmSummary): string =>
  arm.config.archType === ArchType.HYBRID ? "the hybrid" : oneLine(name);

/** The verdict on the main model that a difference and its interval support. */
function verdictOn(run: Run, main: ArmSummary, difference: Difference): string {
  const who = calledIn(main), Who = capitalised(who);
  const ahead = difference.mean < 0;
  if (difference.interval === undefined || difference.pairs === 1 && isClear(difference)) {
    return ahead
      ? `In this one run ${who} is ahead. Another seed may change that.`
      : `In this one run ${who} is not ahead. Another seed may change that.`;
  }
  if (!isClear(difference)) {
    return standingOf(difference, marginOf(run)) === "equal"
      ? `${Who} neither wins nor loses here.`
      : `It is undecided whether ${who} wins or loses here.`;
  }
  if (ahead) return `${Who} wins here.`;
  const meaning = "attention and Mamba in every layer are no gain at this size and budget";
  return main.arm.config.archType === ArchType.HYBRID ? `${Who} loses here: ${meaning}.` : `${Who} loses here.`;
}

/** The study's main model, and the best of the others. */
function mainAndBest(run: Run, ranked: Ranking) {
  const name = mainArm(run.record.study);
  return { main: ranked.find(({ arm }) => arm.name === name), best: ranked.find(({ arm }) => arm.name !== name) };
}

/** The main model against the best other arm. */
function mainFindings(run: Run, ranked: Ranking): string[] {
  const { main, best } = mainAndBest(run, ranked);
  const difference = main && best && differenceBetween(run, [main.arm, best.arm]);
  return difference ? [`${verdictOn(run, main.arm, difference)} ${comparison(run, [main.arm, best.arm])}`] : [];
}

/** The best arm against every other arm, without the pair that {@link mainFindings} compares. */
function pairFindings(run: Run, ranked: Ranking): string[] {
  const [first, ...others] = ranked;
  if (!first) return [];
  const { main, best } = mainAndBest(run, ranked);
  return others.flatMap((other) => {
    const compared = [first, other].every((each) => each === main || each === best);
    return compared ? [] : comparison(run, [first.arm, other.arm]) ?? [];
  });
}

/** The effects of the factors of a suite that has any. */
function factorFindings(run: Run): string[] {
  return factorEffects(run).map(({ words, difference }) => {
    const name = capitalised(words), scope = "averaged over the four combinations of the other two factors";
    if (!isClear(difference)) {
      return `${name}: ${unclear(run, difference)}, ${scope}.`;
    }
    const verb = difference.mean < 0 ? "lower" : "raise";
    return `${name} ${verb} the loss by ${inWords(positive(difference))}${within(run, difference)}, ${scope}.`;
  });
}

/** The preference accuracy and the loss of an arm's second stage, against those of its control. */
function preferenceFinding(
  { name, results, spread }: ArmSummary,
  { beta, together }: { beta: number; together: number },
): string | undefined {
  const after = (stage: "orpo" | "control") => spread(ofStage(stage, ({ preference }) => preference?.after.accuracy));
  const before = spread(ofStage("orpo", ({ preference }) => preference?.before.accuracy));
  const accuracy = after("orpo"), control = after("control");
  if (!before || !accuracy) return undefined;
  const overControl = (measure: (result: StageResult) => number | undefined) =>
    differenceOf(
      results.flatMap(({ stages: { orpo, control } }) => {
        const ours = orpo && measure(orpo), theirs = control && measure(control);
        return ours === undefined || theirs === undefined ? [] : [ours - theirs];
      }),
      { together },
    );
  const pairs = overControl(({ preference }) => preference?.after.accuracy),
    losses = overControl(({ final }) => final.loss);
  const clear = pairs?.interval &&
    (isClear(pairs)
      ? ", a difference beyond the noise of the seeds"
      : ", undecided: smaller than the noise of the seeds");
  const noise = losses?.interval && !isClear(losses) ? ", undecided: smaller than the noise of the seeds" : "";
  const lossText = losses &&
    ` Against the control the validation loss changes by ${fixed(losses.mean, 4)} nats per token${noise}.`;
  return `${oneLine(name)}: held-out preference accuracy ${percent(before.mean)} before the second stage, ` +
    `${percent(accuracy.mean)} with β=${beta}` + (control ? `, ${percent(control.mean)} with β=0` : "") +
    `${clear ?? ""}.${lossText ?? ""}`;
}

/** The effect of preference without that of more training: each arm's second stage against its control. */
function preferenceFindings(run: Run, arms: readonly ArmSummary[]): string[] {
  const { beta, loss } = run.record.study.preference;
  if (loss === "seed") {
    return ["The second stage used the seed's rule, (1 + β) times the token loss. It contains no preference."];
  }
  return arms.flatMap((arm) => preferenceFinding(arm, { beta, together: arms.length }) ?? []);
}

function cacheFindings(arms: readonly ArmSummary[]): string[] {
  return arms.flatMap(({ name, results }) => {
    const cache = results[0]?.cache;
    if (!cache) return [];
    if (cache.byteRatio === undefined) {
      return [`${oneLine(name)} has no keys and values. Its state takes ${bytes(cache.stateBytes)} at any length.`];
    }
    const state = cache.stateBytes > 0 ? ` and ${bytes(cache.stateBytes)} of Mamba state` : "";
    const larger = cache.byteRatio < 1
      ? " It is larger than that of full attention, because of meta tokens and wide values."
      : "";
    return [
      `${oneLine(name)}: the key-value cache is reduced ${fixed(cache.layerRatio)} times in layers and ` +
      `${fixed(cache.byteRatio)} times in bytes (${bytes(cache.kvBytes)} of keys and values${state}).${larger}`,
    ];
  });
}

/** How many trainings are missing; empty when the study is finished. */
function unfinished(run: Run): string[] {
  const { arms, seeds } = run.record.study, all = arms.length * seeds.length;
  const done = new Set([...run.results, ...failuresOf(run)].map(({ arm, seed }) => `${arm} ${seed}`)).size;
  return done < all ? [`The study is not finished: ${all - done} of its ${all} trainings have no result yet.`] : [];
}

/** One paragraph: whether the main model wins. In a study without one, the comparison of the two best models. */
export function verdict(run: Run): string {
  const ranked = ranking(summaries(run)), [first, second] = ranked;
  const scope = seedsOf(run).most === 1 ? " One seed." : "";
  const finding = mainFindings(run, ranked)[0] ??
    (first && second ? comparison(run, [first.arm, second.arm]) : undefined);
  return [...unfinished(run), finding === undefined ? "There is nothing to compare." : finding + scope].join(" ");
}

/** Models whose recall probe has no result, for example because its training diverged. */
const unprobed = ({ record: { study }, recall }: Run): string[] =>
  study.seeds.flatMap((seed) =>
    (study.recall?.arms ?? [])
      .filter(({ name }) => !recall.some((result) => result.arm === name && result.seed === seed))
      .map(({ name }) => `${oneLine(name)}, seed ${seed}: the recall probe has no result.`)
  );

/** The findings of a run, most important first. Each is one paragraph. */
export function findings(run: Run): string[] {
  const arms = summaries(run), ranked = ranking(arms);
  const failed = failuresOf(run).map(({ arm, seed, reason }) =>
    `${oneLine(arm)}, seed ${seed}, stopped early: ${oneLine(reason)}`
  );
  return [
    ...(run.record.corpus.warning ? [oneLine(run.record.corpus.warning)] : []),
    ...failed,
    ...unfinished(run),
    ...orderFindings(run, ranked),
    ...factorFindings(run),
    ...frontierFindings(run),
    ...mainFindings(run, ranked),
    ...(seedsOf(run).most > 1 || run.tokenLosses.length > 0 ? pairFindings(run, ranked) : []),
    ...baselineFindings(run, arms),
    ...(run.recall.length > 0 ? [recallFinding(probeOf(run)), ...unprobed(run)] : []),
    ...preferenceFindings(run, arms),
    ...cacheFindings(arms),
  ];
}
