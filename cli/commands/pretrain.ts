/** `hymba pretrain`: the first stage of one model. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { optional } from "@optique/core/modifiers";
import { openBackend } from "../../core/backend/mod.ts";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { originsOf } from "../../core/study_file/mod.ts";
import type { Action } from "../ui/run.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import {
  activationOptions,
  conduct,
  dataOption,
  defaultFolder,
  matchOption,
  profileOption,
  trainingOptions,
} from "../shared/study.ts";
import { flagValues, keyOptions, presetOption, readyStudy, sourcesOf, studyArgument } from "../shared/study_sources.ts";

const options = merge(
  object("The model", {
    model: withDefault(
      option("--model", string({ metavar: "NAME" }), { description: message`which model; hymba by default` }),
      "hymba",
    ),
    study: studyArgument,
    preset: presetOption,
    seed: withDefault(
      option("--seed", integer({ min: 0, metavar: "N" }), {
        description: message`seed of weights and batches; 1 by default`,
      }),
      1,
    ),
    match: matchOption,
    profile: profileOption,
    data: dataOption,
    out: optional(
      option("--out", string({ metavar: "DIR" }), {
        description: message`run directory; by default one under results/runs`,
      }),
    ),
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
    message`Trains one model to predict the next token, into a run directory that hymba orpo goes on with. Options of the second stage are part of the run and given here. Example: hymba pretrain --model mamba --preset smoke --data book.txt`,
});

async function pretrain(
  { study: path, model, seed, data, out, json, ...given }: InferValue<typeof options>,
): Promise<void> {
  const flags = flagValues({ ...given, models: [model] }), seeds = { flag: "--seed", path: "seeds", value: [seed] };
  const sources = await sourcesOf(path, [...flags, seeds]);
  readyStudy(sources); // wrong flags are told before anything is fetched
  const display = new StudyDisplay(), onProgress = (line: string) => display.say(line);
  const opened = await openBackend({ ...given, onProgress });
  try {
    const { study, values } = readyStudy(sources, opened);
    const corpus = await resolveCorpus({ data, onProgress });
    if (corpus.warning) display.say(`warning: ${corpus.warning}`);
    const special = study.profile ? [`profile-${study.profile}`] : [];
    const folder = out ?? defaultFolder(study.preset, ...special, corpus.name, model, String(seed));
    const origins = originsOf(values);
    await conduct({ study, opened, corpus, folder, display, json, origins, lastStage: "pretraining" });
  } finally {
    await opened.executor.close();
  }
}
