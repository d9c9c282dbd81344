/** What the numbers of a run say, in sentences that follow from them. */
import type { ArmResult, Run } from "../record/mod.ts";
import { baselineFindings } from "./baseline_findings.ts";
import { line, seedsOf } from "./caption.ts";
import { bytes, fixed, percent, significant } from "./format.ts";
import { probeOf, recallFinding } from "./recall.ts";
import { type Difference, differenceOf, factorEffects, isClear, paired, tokenDifference } from "./statistics.ts";
import { type ArmSummary, failuresOf, lastStage, ofStage, summaries } from "./summary.ts";

const lossOf = (result: ArmResult) => lastStage(result)?.final.loss;

/** A difference of losses in words: nats, its interval when there is one, and the factor on the perplexity. */
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

function orderFindings(run: Run, ranked: Ranking): string[] {
  if (ranked.length === 0) return ["No arm finished a stage: there is nothing to compare."];
  const { most } = seedsOf(run);
  const perplexityOf = (result: ArmResult) => lastStage(result)?.final.perplexity;
  // The mean of the seeds' perplexities, as in tables and figures, which is a little above e to the mean loss.
  const order = ranked.map(({ arm }) => `${line(arm.name)} ${significant(arm.spread(perplexityOf)?.mean)}`).join(", ");
  const found = [`Validation perplexity after the last stage, lowest first: ${order}.`];
  if (most === 1 && ranked.length > 1) {
    found.push(
      "This is one seed. No uncertainty can be given of other trainings, and another seed may change the order; " +
        "differences of a few per cent should be taken as none." +
        (run.tokenLosses.length > 0 ? " The intervals below are over the validation text alone." : ""),
    );
  }
  return found;
}

/** The difference on the validation tokens where they were kept, else that of the mean losses of the seeds. */
const differenceBetween = (run: Run, [first, second]: readonly [ArmSummary, ArmSummary]) =>
  tokenDifference(run, [first.name, second.name]) ?? paired([first, second], lossOf);

/** What an interval allows for. */
function noiseOf({ pairs, blocks }: Difference): string {
  const text = blocks === undefined ? "" : "the validation text";
  return pairs === 1 ? text : `${pairs} seeds${text ? ` and ${text}` : ""}`;
}

function comparison(run: Run, [first, second]: readonly [ArmSummary, ArmSummary]): string | undefined {
  const difference = differenceBetween(run, [first, second]);
  if (!difference) return undefined;
  const [a, b] = [line(first.name), line(second.name)];
  if (difference.interval && !isClear(difference)) {
    return `${a} against ${b}: no difference beyond the noise of ${noiseOf(difference)}, ${inWords(difference)}.`;
  }
  const verb = difference.mean < 0 ? "is better than" : difference.mean > 0 ? "is worse than" : "equals";
  return `${a} ${verb} ${b} by ${inWords({ ...difference, ...ordered(difference) })}.`;
}

/** The same difference counted so that it is positive. */
function ordered({ mean, interval }: Difference): Pick<Difference, "mean" | "interval"> {
  return mean < 0 ? { mean: -mean, interval: interval && [-interval[1], -interval[0]] } : { mean, interval };
}

/** What an interval, or the lack of one, allows to be said of the hybrid. */
function verdictOn(difference: Difference): string {
  const ahead = difference.mean < 0;
  if (difference.interval === undefined || difference.pairs === 1 && isClear(difference)) {
    return ahead
      ? "In this one run the hybrid comes out ahead, which another seed may undo."
      : "In this one run the hybrid does not come out ahead, which another seed may undo.";
  }
  if (!isClear(difference)) return "The hybrid neither wins nor loses here.";
  return ahead
    ? "The hybrid wins here."
    : "The hybrid loses here: combining attention and Mamba in every layer does not pay at this size and budget.";
}

/** The parallel hybrid against the best of the others, whichever way it goes. */
function hybridFindings(run: Run, ranked: Ranking): string[] {
  const hybrid = ranked.find(({ arm }) => arm.name === "hymba"), other = ranked.find(({ arm }) => arm.name !== "hymba");
  const difference = hybrid && other && differenceBetween(run, [hybrid.arm, other.arm]);
  return difference ? [`${verdictOn(difference)} ${comparison(run, [hybrid.arm, other.arm])}`] : [];
}

/** The first arm against every other one that has not been compared with the hybrid. */
function pairFindings(run: Run, ranked: Ranking): string[] {
  const first = ranked[0], other = ranked.find(({ arm }) => arm.name !== "hymba");
  const hybrid = ranked.find(({ arm }) => arm.name === "hymba");
  return ranked.slice(1).flatMap(({ arm }) => {
    const said = hybrid && other && [hybrid.arm, other.arm].includes(arm) &&
      [hybrid.arm, other.arm].includes(first!.arm);
    return said ? [] : comparison(run, [first!.arm, arm]) ?? [];
  });
}

/** The factors of the factorial suite, one at a time. */
function factorFindings(run: Run): string[] {
  return factorEffects(run).map(({ words, difference }) => {
    const name = `${words[0]!.toUpperCase()}${words.slice(1)}`,
      size = inWords({ ...difference, ...ordered(difference) });
    const scope = "averaged over the four combinations of the other two factors";
    if (!isClear(difference)) {
      return `${name}: no difference beyond the noise of ${noiseOf(difference)}, ${inWords(difference)}, ${scope}.`;
    }
    return `${name} ${difference.mean < 0 ? "lower" : "raise"} the loss by ${size}, ${scope}.`;
  });
}

/** Each arm's second stage against its own control: what preference did, apart from more training. */
function preferenceFindings(run: Run, arms: readonly ArmSummary[]): string[] {
  const { beta, loss } = run.record.study.preference;
  if (loss === "seed") {
    return ["The second stage used the seed's rule, (1 + β) times the token loss: it contains no preference."];
  }
  return arms.flatMap((arm) => {
    const after = (stage: "orpo" | "control") => ofStage(stage, ({ preference }) => preference?.after.accuracy);
    const before = arm.spread(ofStage("orpo", ({ preference }) => preference?.before.accuracy));
    const accuracy = arm.spread(after("orpo")), control = arm.spread(after("control"));
    if (!before || !accuracy) return [];
    const pairs = differenceOf(
      arm.results.flatMap(({ stages: { orpo, control } }) =>
        orpo?.preference && control?.preference
          ? [orpo.preference.after.accuracy - control.preference.after.accuracy]
          : []
      ),
    );
    const losses = differenceOf(
      arm.results.flatMap(({ stages }) =>
        stages.orpo && stages.control ? [stages.orpo.final.loss - stages.control.final.loss] : []
      ),
    );
    const priced = losses &&
      ` Against the control the validation loss changes by ${fixed(losses.mean, 4)} nats per token${
        losses.interval && !isClear(losses) ? ", within the noise of the seeds" : ""
      }.`;
    return [
      `${line(arm.name)}: held-out preference accuracy ${percent(before.mean)} before the second stage, ` +
      `${percent(accuracy.mean)} with β=${beta}` + (control ? `, ${percent(control.mean)} with β=0` : "") +
      (pairs?.interval
        ? isClear(pairs)
          ? ", a difference beyond the noise of the seeds."
          : ", no difference beyond the noise of the seeds."
        : ".") +
      (priced ?? ""),
    ];
  });
}

function cacheFindings(arms: readonly ArmSummary[]): string[] {
  return arms.flatMap(({ name, results }) => {
    const cache = results[0]?.cache;
    if (!cache) return [];
    if (cache.byteRatio === undefined) {
      return [`${line(name)} has no keys and values; its state takes ${bytes(cache.stateBytes)} at any length.`];
    }
    const state = cache.stateBytes > 0 ? ` and ${bytes(cache.stateBytes)} of Mamba state` : "";
    const larger = cache.byteRatio < 1 ? ", that is, more: meta tokens and wide values outweigh the windows" : "";
    return [
      `${line(name)}: key-value cache reduced ${fixed(cache.layerRatio)} times counted in layers, ` +
      `${fixed(cache.byteRatio)} times in bytes${larger} (${bytes(cache.kvBytes)} of keys and values${state}).`,
    ];
  });
}

/** What is still to be trained, in a sentence; nothing when the study is finished. */
function unfinished(run: Run): string[] {
  const { arms, seeds } = run.record.study, all = arms.length * seeds.length;
  const done = new Set([...run.results, ...failuresOf(run)].map(({ arm, seed }) => `${arm} ${seed}`)).size;
  return done < all ? [`The study is not finished: ${all - done} of its ${all} trainings have no result yet.`] : [];
}

/** Whether the parallel hybrid wins, in one paragraph; of other studies, how their two best models compare. */
export function verdict(run: Run): string {
  const ranked = ranking(summaries(run)), [first, second] = ranked;
  const scope = seedsOf(run).most === 1 ? " One seed." : "";
  const said = hybridFindings(run, ranked)[0] ??
    (first && second ? comparison(run, [first.arm, second.arm]) : undefined);
  return [...unfinished(run), said === undefined ? "There is nothing to compare." : said + scope].join(" ");
}

/** Models whose recall probe came to no result, as when its training diverged. */
const unprobed = ({ record: { study }, recall }: Run): string[] =>
  study.seeds.flatMap((seed) =>
    (study.recall?.arms ?? [])
      .filter(({ name }) => !recall.some((result) => result.arm === name && result.seed === seed))
      .map(({ name }) => `${line(name)}, seed ${seed}: the recall probe has no result.`)
  );

/** The findings of a run, most important first. Each is one paragraph. */
export function findings(run: Run): string[] {
  const arms = summaries(run), ranked = ranking(arms);
  const failed = failuresOf(run).map(({ arm, seed, reason }) =>
    `${line(arm)}, seed ${seed}, stopped early: ${line(reason)}`
  );
  return [
    ...(run.record.corpus.warning ? [line(run.record.corpus.warning)] : []),
    ...failed,
    ...unfinished(run),
    ...orderFindings(run, ranked),
    ...factorFindings(run),
    ...hybridFindings(run, ranked),
    ...(seedsOf(run).most > 1 || run.tokenLosses.length > 0 ? pairFindings(run, ranked) : []),
    ...baselineFindings(run, arms),
    ...(run.recall.length > 0 ? [recallFinding(probeOf(run)), ...unprobed(run)] : []),
    ...preferenceFindings(run, arms),
    ...cacheFindings(arms),
  ];
}
