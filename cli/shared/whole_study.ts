/** The options of a whole study, for the commands that inspect it before it runs. */
import { merge, object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import type { Sources } from "../../core/study_file/mod.ts";
import { backendOptions, jsonOption } from "./options.ts";
import {
  activationOptions,
  dataOption,
  matchOption,
  modelsOption,
  profileOption,
  suiteOption,
  trainingOptions,
} from "./study.ts";
import { flagValues, keyOptions, presetOption, seedsOption, sourcesOf, studyArgument } from "./study_sources.ts";

export const wholeStudyOptions = merge(
  object("The study", {
    study: studyArgument,
    preset: presetOption,
    suite: suiteOption,
    models: modelsOption,
    seeds: seedsOption,
    match: matchOption,
    profile: profileOption,
    data: dataOption,
    json: jsonOption,
  }),
  keyOptions,
  trainingOptions,
  activationOptions,
  backendOptions,
);

export type WholeStudyOptions = InferValue<typeof wholeStudyOptions>;

/** The sources of the study that the options name. */
export async function sourcesIn({ study: path, models, ...given }: WholeStudyOptions): Promise<Sources> {
  const { data, json: _json, backend: _backend, adapter: _adapter, threads: _threads, ...flags } = given;
  return await sourcesOf(path, flagValues({ ...flags, models: models?.split(",") }), { data });
}
