/** `hymba ablate`: the whole study. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import type { InferValue } from "@optique/core/parser";
import { map, optional } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
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
  modelsOption,
  profileOption,
  suiteOption,
  trainingOptions,
} from "../shared/study.ts";
import {
  flagValues,
  keyOptions,
  presetOption,
  readyStudy,
  seedsOption,
  sourcesOf,
  studyArgument,
} from "../shared/study_sources.ts";

const options = merge(
  object("The study", {
    study: studyArgument,
    preset: presetOption,
    suite: suiteOption,
    models: modelsOption,
    seeds: seedsOption,
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

export const ablateCommand = command("ablate", map(options, (given): Action => () => ablate(given)), {
  brief: message`the whole study: every model, both stages, every artifact`,
  description:
    message`Trains and compares all models in two stages and writes every table and figure. The same command goes on where it was stopped. The study is a preset, or a study file as hymba init writes one. Example: hymba ablate --preset smoke --data book.txt`,
});

async function ablate(
  { study: path, models, data, out, json, ...given }: InferValue<typeof options>,
): Promise<void> {
  const sources = await sourcesOf(path, flagValues({ ...given, models: models?.split(",") }));
  readyStudy(sources); // wrong flags are told before anything is fetched
  const display = new StudyDisplay(), onProgress = (line: string) => display.say(line);
  const opened = await openBackend({ ...given, onProgress });
  try {
    const { study, values } = readyStudy(sources, opened);
    const corpus = await resolveCorpus({ data, onProgress });
    if (corpus.warning) display.say(`warning: ${corpus.warning}`);
    const special = study.profile
      ? [`profile-${study.profile}`]
      : study.suite && study.suite !== "arms"
      ? [study.suite]
      : [];
    const folder = out ?? defaultFolder(study.preset, ...special, corpus.name);
    await conduct({ study, opened, corpus, folder, display, json, origins: originsOf(values), probe: true });
  } finally {
    await opened.executor.close();
  }
}
