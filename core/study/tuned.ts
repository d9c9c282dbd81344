/** Applies the choices of a sweep to a study: each arm gets its own point, and the seeds of the sweep are not used. */
import { UsageError } from "../errors.ts";
import type { SweepRecord } from "../record/mod.ts";
import { type FlagValue, originInWords, pathInArm, type ResolvedStudy, type Values } from "../study_file/mod.ts";
import { flagsAt } from "./sweep_grid.ts";

/** The choices for the arms of a study, as flags named `flag`. Throws a UsageError if the sweep has no choice for an arm. */
export function tunedFlags(
  { choices }: SweepRecord,
  { arms, flag }: { arms: readonly string[]; flag: string },
): FlagValue[] {
  return arms.flatMap((arm) => {
    const choice = choices.find((one) => one.arm === arm);
    if (choice) return flagsAt({ arm, point: choice.point }, flag);
    throw new UsageError(`${flag}: the sweep chose nothing for ${arm}`, {
      expected: choices.map(({ arm }) => arm).join(", ") || "an arm that did not diverge at every point",
      hint: "choose among these models with --models, or sweep again with other values",
    });
  });
}

/**
 * Throws a UsageError if a flag sets a key that the sweep chose. A file may set it, because the sweep started from the file's
 * value.
 */
export function requireNoOther(
  { over }: SweepRecord,
  { arms, values }: { arms: readonly string[]; values: Values },
): void {
  for (const { path } of over) {
    for (const one of [path, ...arms.flatMap((arm) => pathInArm(path, arm) ?? [])]) {
      const origin = values.get(one)?.origin;
      if (origin?.kind !== "flag") continue;
      throw new UsageError(`${originInWords(origin)} gives ${one}, which the sweep chose`, {
        hint: "omit it, or omit --tuned",
      });
    }
  }
}

/** Throws a UsageError if a study has a seed of the sweep, because the choice was made by the losses of that seed. */
export function requireFreshSeeds(
  { seeds }: Pick<SweepRecord, "seeds">,
  study: Pick<ResolvedStudy["study"], "seeds">,
): void {
  const used = study.seeds.filter((seed) => seeds.includes(seed));
  if (used.length === 0) return;
  throw new UsageError(`the sweep made its choice with seed ${used.join(", ")}`, {
    expected: `seeds other than ${seeds.join(", ")}`,
    got: study.seeds.join(", "),
    hint: "--seeds 3 takes 1, 2 and 3; a sweep takes seeds from 10001 on unless it is told others",
  });
}

/** Keys whose values differ between the study and the sweep, as `key: value there, value here`. */
function otherValues({ values: there, over }: SweepRecord, here: Values): string[] {
  const skipped = ["seeds", "models", "name", "lastStage", "pretraining.decayAt", ...over.map(({ path }) => path)];
  const keys = new Set([...Object.keys(there), ...here.keys()]);
  return [...keys].filter((key) => !/^(sweep|orpo|preference|samples|recall)\./.test(key) && !skipped.includes(key))
    .flatMap((key) => {
      const given = here.get(key), before = there[key], now = given && JSON.stringify(given.value);
      return before === now ? [] : [`${key}: ${before ?? "absent"} there, ${now ?? "absent"} here`];
    });
}

/** Notes for the user about the choices of a sweep. */
export function tunedNotes(record: SweepRecord, { arms, values, corpus }: {
  arms: readonly string[];
  values: Values;
  corpus: string;
}): string[] {
  const edges = record.choices.filter(({ arm, edge }) => arms.includes(arm) && edge.length > 0);
  const others = otherValues(record, values);
  return [
    ...edges.map(({ arm, edge }) =>
      `note: the sweep found no optimum of ${edge.join(", ")} for ${arm}: its best value is at the edge`
    ),
    ...(others.length > 0 ? [`note: the sweep was of another study: ${others.slice(0, 6).join("; ")}`] : []),
    ...(record.corpus.sha256 === corpus ? [] : [`note: the sweep was of another text: ${record.corpus.name}`]),
  ];
}

/**
 * A study that makes choices has a test part: half of the text that is not for training, unless the study says otherwise. The
 * profile `seed` keeps the split of the documented study. These flags are applied before those of the user.
 */
export function testPartFlags(values: Values): FlagValue[] {
  const given = values.get("data.testFraction"), train = values.get("data.trainFraction")?.value;
  const file = values.get("data.testFiles")?.value;
  if (values.has("profile") || (Array.isArray(file) && file.length > 0)) return [];
  if (given?.value !== 0 || given.origin.kind === "flag") return [];
  const value = Number(((1 - Number(train)) / 2).toPrecision(12));
  return [{ flag: "tuning: half of what is not trained on", path: "data.testFraction", value }];
}
