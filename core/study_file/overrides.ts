/** A study of a preset with a few typed values, for programs: the flags of the commands, without their words. */
import type {
  MatchRule,
  OrpoLoss,
  Precision,
  Profile,
  RejectionRule,
  StudyConfig,
  TensorCores,
} from "../config/mod.ts";
import type { FlagValue } from "./read.ts";
import { type ResolvedStudy, resolveSources } from "./resolve.ts";

/** Values of a preset that can be changed without a file. */
export interface Overrides {
  suite?: string;
  models?: readonly string[];
  seeds?: number;
  steps?: number;
  orpoSteps?: number;
  beta?: number;
  orpoLoss?: OrpoLoss;
  rejected?: RejectionRule;
  match?: MatchRule;
  remat?: boolean;
  precision?: Precision;
  tensorCores?: TensorCores;
  profile?: Profile;
}

/** The flag and the key of each override. */
const FLAGS: Readonly<Record<keyof Overrides, readonly [flag: string, path: string]>> = {
  suite: ["--suite", "suite"],
  models: ["--models", "models"],
  seeds: ["--seeds", "seeds"],
  steps: ["--steps", "pretraining.steps"],
  orpoSteps: ["--orpo-steps", "orpo.steps"],
  beta: ["--beta", "preference.beta"],
  orpoLoss: ["--orpo-loss", "preference.loss"],
  rejected: ["--rejected", "preference.rejected"],
  match: ["--match", "match"],
  remat: ["--remat", "remat"],
  precision: ["--precision", "precision"],
  tensorCores: ["--tensor-cores", "tensorCores"],
  profile: ["--profile", "profile"],
};

/** The overrides that are given, as flags. */
export function flagsOf(overrides: Overrides): FlagValue[] {
  return (Object.keys(FLAGS) as (keyof Overrides)[]).flatMap((name) => {
    const value = overrides[name], [flag, path] = FLAGS[name];
    return value === undefined || value === false ? [] : [{ flag, path, value }];
  });
}

/** A preset with overrides. Throws UsageError for a name or value that does not exist. */
export const resolvePreset = (preset: string, overrides: Overrides = {}): ResolvedStudy =>
  resolveSources({ flags: [{ flag: "--preset", path: "preset", value: preset }, ...flagsOf(overrides)] });

/** The study of a preset with all arms at one feed-forward width, also where `match` asks for another. */
export const studyOf = (preset: string, overrides: Overrides = {}): StudyConfig =>
  resolvePreset(preset, overrides).study;
