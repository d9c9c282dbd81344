/** From a preset, a study file and flags to one study. Every value keeps the place that it comes from. */
import { basename, extname } from "node:path";
import {
  type Arm,
  EQUIVALENCE_MARGIN,
  type HymbaOptions,
  MATCHED,
  type MatchRule,
  namesOf,
  type PreferenceConfig,
  type Preset,
  type Profile,
  type RecallConfig,
  type SampleConfig,
  type Shape,
  type StudyConfig,
  type Suite,
} from "../config/mod.ts";
import { Arms, fieldsOf } from "./arms.ts";
import { withBranches } from "./branches.ts";
import { mergeValues, presetValues, usualValues } from "./precedence.ts";
import { presetNamed } from "./presets.ts";
import { recallFaults } from "./recall_faults.ts";
import { splitFaults, splitOf, trainFractionOf } from "./split.ts";
import { accumulationFaults, lengthFaults, ownStageOf, rateFaults, stageOf, tensorCoreFaults } from "./stages.ts";
import { type FlagValue, readFlags, readStudyText, type ReadValues } from "./read.ts";
import { sweepFaults } from "./sweep.ts";
import {
  type Fault,
  faultAt,
  type Given,
  isOwn,
  type Origin,
  shown,
  throwFaults,
  type Values,
  withoutConsequences,
} from "./values.ts";
import { present } from "../lists.ts";

/** The sources of a study. */
export interface Sources {
  /** Used where neither file nor flags name a preset. Default: `quick`. */
  readonly preset?: Preset;
  readonly file?: { readonly path: string; readonly text: string };
  readonly flags?: readonly (FlagValue | Fault)[];
  /** Without the shorter trainings of `pretraining.decayAt`, which a sweep does not have. */
  readonly withoutBranches?: boolean;
}

/** A study with the origins of its values. */
export interface ResolvedStudy {
  /** The arms have the feed-forward width of the shape; `match` may still ask for another. */
  readonly study: StudyConfig;
  /** `hymba` at the shape of the study, to which other arms are matched. Absent if the shape makes no such model. */
  readonly reference?: Arm;
  /** The preset under the file and the flags. */
  readonly preset: Preset;
  readonly values: Values;
}

/** Reads values of keys with the types that their keys promise. */
class Reader {
  constructor(readonly values: Values) {}

  /** A value of a key. Its type follows from the table of keys, which every value has passed. */
  get<T>(path: string): T | undefined {
    return this.values.get(path)?.value as T | undefined;
  }

  /** A value of a key that every study has. */
  need<T>(path: string): T {
    return present(this.get<T>(path), path);
  }

  /** Whether the author of the study gave the value, not the program. */
  isOwn(path: string): boolean {
    return isOwn(this.values, path);
  }

  table<T>(path: string): T {
    return fieldsOf(this.values, path) as T;
  }
}

/** Keys that a profile sets. */
function profileFaults(reader: Reader): Fault[] {
  const fixed = [["suite", "seed"], ["match", "none"], ["preference.loss", "seed"]] as const, faults: Fault[] = [];
  const said = (path: string) => {
    const { value, origin } = present(reader.values.get(path), path);
    return origin.kind === "flag" && origin.flag !== "--set" ? `${origin.flag} ${value}` : `${path} = ${shown(value)}`;
  };
  for (const [path, expected] of fixed) {
    const given = reader.values.get(path);
    if (!given || !reader.isOwn(path) || given.value === expected) continue;
    const what = `${said(path)} does not go with ${said("profile")}`;
    faults.push({ at: faultAt(given.origin), what, expected, keys: ["profile"] });
  }
  return faults;
}

function seedsOf(reader: Reader): number[] {
  const given = reader.get<number | number[]>("seeds") ?? 1;
  return typeof given === "number" ? Array.from({ length: given }, (_, i) => i + 1) : given;
}

/** The sizes of a model's table, and the vocabulary besides. */
const shapeOf = (reader: Reader, table: string): Shape & { ffnHiddenUnmatched?: number } =>
  reader.table<Partial<HymbaOptions> & { vocabSize: number; ffnHiddenUnmatched?: number }>(table);

/** The feed-forward width of all arms at the start: the documented one with a profile, or the one for no matching. */
function widthOf(reader: Reader, { profile, match }: { profile?: Profile; match: MatchRule }): number | undefined {
  const { dModel, ffnHidden, ffnHiddenUnmatched } = shapeOf(reader, "model");
  if (profile !== undefined && dModel !== undefined && !reader.isOwn("model.ffnHidden")) return 4 * dModel;
  return match === "none" ? ffnHiddenUnmatched ?? ffnHidden : ffnHidden;
}

/** Feed-forward widths of single arms, which matching decides. */
function widthFaults(values: Values): Fault[] {
  const expected = 'no value, because match = "parameters" decides it', keys = ["match", "budget", "suite", "profile"];
  return [...values].flatMap(([path, { origin }]) =>
    /^arms\.[^.]+\.ffnHidden$/.test(path) ? [{ at: faultAt(origin), what: path, expected, keys }] : []
  );
}

function seedFaults(values: Values, seeds: readonly number[]): Fault[] {
  if (new Set(seeds).size === seeds.length) return [];
  const { origin } = present(values.get("seeds"), "seeds");
  return [{ at: faultAt(origin), what: "seeds", expected: "different seeds", got: shown(seeds) }];
}

function recallOf(
  reader: Reader,
  { arms, names, faults }: { arms: Arms; names: readonly string[]; faults: Fault[] },
): RecallConfig | undefined {
  const { probe, ...recall } = reader.table<Omit<RecallConfig, "arms"> & { probe: boolean }>("recall");
  if (!probe) return undefined;
  const { keys, values, fillers } = recall;
  const shape = { ...shapeOf(reader, "recall.model") };
  shape.vocabSize ??= keys + values + fillers;
  faults.push(
    ...recallFaults(reader.values, { recall, vocabSize: shape.vocabSize }),
  );
  // The probe's models have two layers, which say nothing of a pattern of more.
  const probed = names.filter((name) => arms.patternArm(name) === undefined);
  const found = arms.at(shape, probed, { kinds: true, table: "recall.model" });
  return found.length > 0 ? { ...recall, arms: found } : undefined;
}

function nameFrom(reader: Reader, file: string | undefined, preset: Preset): string {
  const own = file === undefined ? preset : basename(file, extname(file)).replaceAll(/[^A-Za-z0-9_-]+/g, "-");
  return reader.get<string>("name") ?? (own.slice(0, 64) || preset);
}

/** All values of the sources, and what is wrong with single values. */
interface Gathered {
  readonly values: Map<string, Given>;
  readonly faults: readonly Fault[];
  /** Keys whose values were refused, and for which no flag gives another one. */
  readonly refused: Set<string>;
  readonly preset: Preset;
}

function gathered({ preset, file, flags = [] }: Sources): Gathered {
  const fromFlags = readFlags(flags), none: ReadValues = { values: new Map(), faults: [], refused: new Set() };
  const fromFile = file ? readStudyText(file.text, { file: file.path }) : none;
  const named = presetNamed((fromFlags.values.get("preset") ?? fromFile.values.get("preset"))?.value);
  const base = named ?? preset ?? "quick";
  const values = mergeValues(usualValues(), presetValues(base), fromFile.values, fromFlags.values);
  const origin = named ? present(values.get("preset"), "preset").origin : { kind: "usual" } satisfies Origin;
  values.set("preset", { value: base, origin });
  const refused = new Set([
    ...[...fromFile.refused].filter((path) => !fromFlags.values.has(path)),
    ...fromFlags.refused,
  ]);
  return { values, faults: [...fromFile.faults, ...fromFlags.faults], refused, preset: base };
}

/** All values of the sources that are allowed by themselves. Throws nothing for the others. */
export const valuesOf = (sources: Sources): Values => gathered(sources).values;

const withoutArms = (values: Values): Values => new Map([...values].filter(([path]) => !path.startsWith("arms.")));

/** The faults between values that are each allowed by themselves, except those of models. */
const relationFaults = (values: Values, reader: Reader): Fault[] => [
  ...rateFaults(values),
  ...tensorCoreFaults(values),
  ...lengthFaults(values),
  ...accumulationFaults(values),
  ...splitFaults(values, reader.table("data")),
  ...budgetFaults(reader),
  ...seedFaults(values, seedsOf(reader)),
];

/**
 * The study that a preset, a file and flags make, each stronger than the one before. Throws one UsageError with all faults:
 * those of single values, those of arms, and values that do not go together.
 */
export function resolveSources(sources: Sources): ResolvedStudy {
  const { values: given, faults: single, refused, preset } = gathered(sources);
  const values = new Map(given), reader = new Reader(values), faults = [...single, ...relationFaults(values, reader)];
  const profile = reader.get<Profile>("profile"), suite = reader.get<Suite>("suite") ?? profile ?? "arms";
  if (profile) {
    faults.push(...profileFaults(reader));
    values.set("preference.loss", { value: profile, origin: { kind: "rule", rule: `profile ${profile}` } });
  }
  const match = matchOf(reader, { profile, suite, values });
  const { ffnHiddenUnmatched: _, ...shape } = shapeOf(reader, "model");
  if (match === "parameters") faults.push(...widthFaults(values));
  const width = widthOf(reader, { profile, match }), arms = new Arms(values, suite, refused);
  if (profile && width !== undefined && width !== shape.ffnHidden) {
    values.set("model.ffnHidden", { value: width, origin: { kind: "rule", rule: `profile ${profile}` } });
  }
  faults.push(...sweepFaults(values, (name) => arms.isNamed(name)));
  const names = arms.names(namesOf(suite));
  const found = arms.at({ ...shape, ...(width === undefined ? {} : { ffnHidden: width }) }, names);
  arms.checkOthers(shape, names);
  const recall = recallOf(reader, { arms, names, faults });
  const plain = new Arms(withoutArms(values), "arms", refused), [reference] = plain.at(shape, ["hymba"]);
  if (match === "parameters") faults.push(...plain.faults);
  const name = nameFrom(reader, sources.file?.path, preset);
  const study = studyFrom(reader, { suite, profile, match, arms: found, recall, seeds: seedsOf(reader), name });
  const branched = sources.withoutBranches ? { study, faults: [] } : withBranches(study, values);
  throwFaults(withoutConsequences([...faults, ...branched.faults, ...arms.faults], { values, refused }));
  return { study: branched.study, ...(reference && { reference }), preset, values };
}

/** How sizes are matched. Where a rule decides it, the rule becomes the origin of the value. */
function matchOf(
  reader: Reader,
  { profile, suite, values }: { profile?: Profile; suite: Suite; values: Map<string, Given> },
): MatchRule {
  const usual = profile ? "none" : MATCHED.includes(suite) ? "parameters" : reader.need<MatchRule>("match");
  const ofOneSize = reader.get("budget") === "parameters";
  const match = reader.isOwn("match") ? reader.need<MatchRule>("match") : ofOneSize ? "parameters" : usual;
  if (match !== reader.get("match")) {
    const rule = ofOneSize ? "budget parameters" : profile ? `profile ${profile}` : `suite ${suite}`;
    values.set("match", { value: match, origin: { kind: "rule", rule } });
  }
  return match;
}

/** The budget of a study, unless it is equal tokens. */
function budgetOf(reader: Reader): Pick<StudyConfig, "budget"> {
  const budget = reader.get<string>("budget");
  return budget === "flops" || budget === "seconds" ? { budget } : {};
}

/** A budget of parameters is a match: it cannot be given together with no match. */
function budgetFaults(reader: Reader): Fault[] {
  const budget = reader.values.get("budget");
  if (budget?.value !== "parameters" || !reader.isOwn("match") || reader.get("match") === "parameters") return [];
  const expected = 'match = "parameters", or no value, because budget = "parameters" decides it';
  const { origin } = present(reader.values.get("match"), "match");
  return [{ at: faultAt(origin), what: "match", expected, keys: ["budget"] }];
}

/** How activations are stored, and what makes products of f16; fields with their usual values are absent. */
function activationsOf(reader: Reader): Pick<StudyConfig, "remat" | "precision" | "tensorCores"> {
  const precision = reader.get<StudyConfig["precision"] | "f32">("precision");
  return {
    ...(reader.get<boolean>("remat") ? { remat: true } : {}),
    ...(precision && precision !== "f32" ? { precision } : {}),
    ...(reader.get("tensorCores") === "on" ? { tensorCores: true } : {}),
  };
}

function studyFrom(
  reader: Reader,
  { suite, profile, match, arms, recall, seeds, name }:
    & Pick<StudyConfig, "match" | "arms" | "recall" | "seeds" | "suite" | "profile">
    & { name: string },
): StudyConfig {
  const preference = reader.table<PreferenceConfig>("preference");
  const T = reader.need<number>("sequenceLength");
  const characters = reader.get<number>("data.characters"), split = splitOf(reader.table("data"));
  const margin = reader.get<number>("equivalenceMargin");
  return {
    preset: name,
    ...(suite ? { suite } : {}),
    ...(profile ? { profile } : {}),
    match,
    ...budgetOf(reader),
    arms: arms.map((arm) => {
      const pretraining = ownStageOf(reader.values, { arm: arm.name, T });
      return pretraining ? { ...arm, pretraining } : arm;
    }),
    seeds,
    vocabSize: reader.need<number>("model.vocabSize"),
    sequenceLength: T,
    trainFraction: trainFractionOf(reader.table("data")),
    ...(split ? { split } : {}),
    ...(reader.get("data.tokenizer") === "bytes" ? { tokenizer: "bytes" as const } : {}),
    pretraining: stageOf(reader.values, { path: "pretraining", T }),
    orpo: stageOf(reader.values, { path: "orpo", T }),
    preference: { ...preference, loss: profile ?? preference.loss },
    samples: reader.table<SampleConfig>("samples"),
    ...(recall ? { recall } : {}),
    ...(characters === undefined ? {} : { characters }),
    ...(margin === undefined || margin === EQUIVALENCE_MARGIN ? {} : { equivalenceMargin: margin }),
    ...(reader.get("lastStage") === "pretraining" ? { lastStage: "pretraining" as const } : {}),
    ...activationsOf(reader),
  };
}
