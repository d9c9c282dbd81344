/** `hymba pretrain`: the first stage of one model. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { Action } from "../ui/run.ts";
import { startStudy } from "../shared/new_study.ts";
import { backendOptions, jsonOption, outOption } from "../shared/options.ts";
import { activationOptions, dataOption, matchOption, profileOption, trainingOptions } from "../shared/study.ts";
import { flagValues, keyOptions, presetOption, sourcesOf, studyArgument } from "../shared/study_sources.ts";
import { modelName } from "../shared/value_parsers.ts";

const options = merge(
  object("The model", {
    model: optional(
      option("--model", modelName(), { description: message`the model; hymba by default` }),
    ),
    study: studyArgument,
    preset: presetOption,
    seed: optional(
      option("--seed", integer({ min: 0, metavar: "N" }), {
        description: message`seed of weights and batches; 1 by default`,
      }),
    ),
    match: matchOption,
    profile: profileOption,
    data: dataOption,
    out: outOption,
    json: jsonOption,
  }),
  keyOptions,
  trainingOptions,
  activationOptions,
  backendOptions,
);

export const pretrainCommand = command("pretrain", map(options, (given): Action => () => pretrain(given)), {
  brief: message`the first stage of one model`,
  description:
    message`Trains one model to predict the next token, into a run directory that hymba orpo continues. Options of the second stage belong to the run, so they are given here. Example: hymba pretrain --model mamba --preset smoke --data book.txt`,
});

async function pretrain(
  { study: path, model = "hymba", seed = 1, data, out, json, backend, adapter, threads, ...given }: InferValue<
    typeof options
  >,
): Promise<void> {
  const seeds = { flag: "--seed", path: "seeds", value: [seed] };
  const sources = await sourcesOf(path, [seeds, ...flagValues({ ...given, models: [model] })], { data });
  const where = { backend, adapter, threads };
  await startStudy(sources, {
    backend: where,
    data,
    out,
    json,
    lastStage: "pretraining",
    speeds: true,
  });
}
