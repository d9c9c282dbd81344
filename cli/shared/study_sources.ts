/** The sources of a study on the command line: a study file, a preset, `--set`, and flags for the most common keys. */
import { object } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import type { OpenBackend } from "../../core/backend/mod.ts";
import { type Arm, type Precision, type Preset, usualPrecision } from "../../core/config/mod.ts";
import { readText, systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { matchedStudy } from "../../core/study/match.ts";
import {
  type Fault,
  flagsOf,
  type FlagValue,
  type Overrides,
  presetNamed,
  type ResolvedStudy,
  resolveSources,
  setFlag,
  shown,
  soundAxes,
  type Sources,
  StudyFaults,
  throwFaults,
  typedValue,
  valuesOf,
} from "../../core/study_file/mod.ts";
import { keptIn } from "../../core/train/plans.ts";
import { missingFiles } from "./study_files.ts";
import { keyValue, word } from "./value_parsers.ts";

export const studyArgument = optional(
  argument(word("STUDY"), {
    description: message`a study file, which hymba init writes; by default the study is a preset`,
  }),
);

export const setOption = multiple(option("--set", keyValue(), {
  description: message`set any key of a study file; hymba config explain lists them; can be repeated`,
}));

export const presetOption = optional(
  option("--preset", word("smoke|quick|small|paper"), {
    description:
      message`the preset of the study; by default paper on a GPU, else quick; a study file without a preset has quick`,
  }),
);

const plain = (name: `--${string}`, metavar: "N" | "X" | "FILE" | "FILE|bytes", words: string) =>
  optional(option(name, word(metavar), { description: [text(words)] }));

/** The flags of single keys. The table of keys checks their values. */
export const keyOptions = object("Values of the study", {
  set: setOption,
  rate: plain("--rate", "X", "the largest learning rate of the first stage"),
  batch: plain("--batch", "N", "sequences per update of the first stage"),
  accumulate: plain("--accumulate", "N", "parts of a batch that are computed one after another, for less memory"),
  width: plain("--width", "N", "width of the models"),
  layers: plain("--layers", "N", "layers of the models"),
  length: plain("--length", "N", "text tokens per sequence"),
  vocab: plain("--vocab", "N", "size of the vocabulary"),
  validationData: plain("--validation-data", "FILE", "texts for validation alone"),
  testData: plain("--test-data", "FILE", "texts for a single evaluation after all training"),
  tokenizer: plain(
    "--tokenizer",
    "FILE|bytes",
    "a .model or tokenizer.json to use, or bytes; by default one is trained",
  ),
});

/** The key of each plain flag. */
const KEY_FLAGS = {
  rate: "pretraining.rate",
  batch: "pretraining.batch",
  accumulate: "pretraining.accumulate",
  width: "model.dModel",
  layers: "model.nLayers",
  length: "sequenceLength",
  vocab: "model.vocabSize",
  tokenizer: "data.tokenizer",
  validationData: "data.validationFiles",
  testData: "data.testFiles",
} as const;

/** The parsed values of the flags of single keys. */
export type KeyFlags = { readonly [name in keyof typeof KEY_FLAGS]?: string } & { readonly set: readonly string[] };

export const seedsOption = optional(
  option("--seeds", word("N|A,B"), {
    description: message`repeat with seeds 1 to N, or with these seeds`,
  }),
);

/** The study flags of a command that trains: the typed ones, and those of single keys. */
export type StudyFlags = KeyFlags & Omit<Overrides, "seeds"> & { readonly preset?: string; readonly seeds?: string };

/** The flag for a name: validationData becomes --validation-data. */
const flagOf = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** A fault for each key that a plain flag and `--set` give different values. */
function givenTwice(plain: readonly FlagValue[], set: readonly (FlagValue | Fault)[]): Fault[] {
  return plain.flatMap(({ flag, path, value }) => {
    const other = set.findLast((one) => "path" in one && one.path === path);
    if (!other || !("path" in other) || JSON.stringify(other.value) === JSON.stringify(value)) return [];
    const got = `${shown(value)} and ${shown(other.value)}`;
    return [{ at: "--set", what: `${path} is given twice`, expected: `${flag} or --set ${path}, not both`, got }];
  });
}

/** All flags of a study in the order of precedence. */
export function flagValues({ set, preset, seeds, ...given }: StudyFlags): NonNullable<Sources["flags"]> {
  const { rate, batch, accumulate, width, layers, length, vocab, tokenizer, validationData, testData, ...overrides } =
    given;
  const named = { rate, batch, accumulate, width, layers, length, vocab, tokenizer, validationData, testData };
  const keys = Object.entries(named) as [
    keyof typeof KEY_FLAGS,
    string?,
  ][];
  const typed = (flag: string, path: string, words: string | undefined): FlagValue[] =>
    words === undefined ? [] : [{ flag, path, value: typedValue(words, path) }];
  const plain = [
    ...(preset === undefined ? [] : [{ flag: "--preset", path: "preset", value: preset }]),
    ...flagsOf(overrides),
    ...typed("--seeds", "seeds", seeds),
    ...keys.flatMap(([name, words]) => typed(flagOf(name), KEY_FLAGS[name], words)),
  ];
  const own = set.map(setFlag);
  return [...plain, ...own, ...givenTwice(plain, own)];
}

/** The text of a study file. Throws a UsageError if there is none; for the name of a preset the error suggests `--preset`. */
async function fileOf(path: string): Promise<NonNullable<Sources["file"]>> {
  const found = await systemDisk.stat(path);
  if (found?.kind === "file") return { path, text: await readText(systemDisk, path) };
  const preset = presetNamed(path);
  throw new UsageError(`${path} is not a study file`, {
    expected: "a file like the one that hymba init writes, or no file",
    got: found ? "a folder" : "nothing",
    hint: preset ? `did you mean --preset ${preset}?` : "hymba init --out study.toml writes one",
  });
}

/**
 * The sources of a study, without those that depend on the machine. If the reader finds faults, missing files and points of the
 * sweep are checked as well, so that one error lists everything. `data`: texts that replace `data.files`.
 */
export async function sourcesOf(
  study: string | undefined,
  flags: NonNullable<Sources["flags"]>,
  { data }: { data?: string } = {},
): Promise<Sources> {
  const sources: Sources = { ...(study === undefined ? {} : { file: await fileOf(study) }), flags };
  const faults = faultsOf(sources);
  if (faults.length === 0) return sources;
  throwFaults([...faults, ...await missingFiles(valuesOf(sources), { data }), ...pointFaults(sources)]);
  return sources;
}

/** Throws {@link StudyFaults} with every missing file; if one is missing, points of the sweep are checked as well. */
export async function requireFiles(sources: Sources, { data }: { data?: string }): Promise<void> {
  const missing = await missingFiles(valuesOf(sources), { data });
  if (missing.length > 0) throwFaults([...missing, ...pointFaults(sources)]);
}

/** The faults that the reader finds. */
function faultsOf(sources: Sources): readonly Fault[] {
  try {
    resolveSources({ ...sources, preset: usualPreset(valuesOf(sources).get("profile")?.value) });
  } catch (error) {
    if (error instanceof StudyFaults) return error.faults;
    throw error;
  }
  return [];
}

/** The faults of the values that a sweep tries, each tried alone. Values that are wrong by themselves are left out. */
function pointFaults(sources: Sources): Fault[] {
  const { flags = [] } = sources;
  return soundAxes(valuesOf(sources)).flatMap(({ path, values, at: flag }) =>
    values.flatMap((value) =>
      faultsOf({ ...sources, flags: [...flags, { flag, path, value }] }).filter(({ at }) => at === flag)
    )
  );
}

/** The default preset. A profile is always of the size `paper`. */
const usualPreset = (profile: unknown, hardware = false): Preset => hardware || profile ? "paper" : "quick";

type Machine = Pick<OpenBackend, "backend" | "hardware">;

/** Whether WebGPU uses a software driver, which computes on the processor. */
export const onSoftware = ({ backend, hardware }: Machine): boolean => backend === "webgpu" && !hardware;

/** The preset that runs on a machine. On a software adapter `quick` is replaced by a shorter study. */
export const presetOn = (machine: Machine, asked: Preset): Preset =>
  asked === "quick" && onSoftware(machine) ? "quick-software" : asked;

/**
 * The sources with the choices that depend on the machine: the default preset and its shorter form. A file is the same study on
 * every machine.
 */
function onMachine(sources: Sources, machine: Machine | undefined): Sources {
  const { file, flags = [] } = sources;
  if (file) {
    const profile = resolveSources(sources).values.get("profile")?.value;
    return { ...sources, preset: usualPreset(profile) };
  }
  const read = resolveSources({ ...sources, flags, preset: usualPreset(profileIn(flags), machine?.hardware) }).preset;
  if (machine === undefined) return { ...sources, flags, preset: read };
  const chosen = presetOn(machine, read), moved = { flag: "the software adapter", path: "preset", value: chosen };
  return { ...sources, flags: chosen === read ? flags : [...flags, moved], preset: chosen };
}

const profileIn = (flags: NonNullable<Sources["flags"]>): unknown =>
  flags.find((flag): flag is FlagValue => "path" in flag && flag.path === "profile")?.value;

/**
 * The study that will run: with the preset, the precision and the matched arms of the machine. Without `machine` it is that of a
 * machine without a GPU. Throws a UsageError that lists every fault of file and flags.
 */
export function readyStudy(sources: Sources, machine?: Machine): ResolvedStudy {
  const resolved = resolveSources(onMachine(sources, machine));
  const usual: Precision | undefined = resolved.values.has("precision")
    ? undefined
    : usualPrecision(resolved.preset, machine?.hardware ?? false);
  return { ...resolved, study: { ...matchedStudy(resolved), ...keptIn(usual) } };
}

/**
 * The arms of a study file or a preset, for commands that show or check models without training them. `usual`: the default
 * preset. Throws a UsageError for every fault of file and flags.
 */
export async function armsOf(
  { study, preset, models, profile, set = [] }: {
    study?: string;
    preset?: string;
    models?: readonly string[];
    profile?: Overrides["profile"];
    set?: readonly string[];
  },
  usual: Preset,
): Promise<readonly Arm[]> {
  const flags = flagValues({ preset, models, profile, set });
  const sources = await sourcesOf(study, flags);
  return matchedStudy(resolveSources({ ...sources, preset: sources.file ? usualPreset(profile) : usual })).arms;
}
