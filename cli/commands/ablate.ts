/** `hymba ablate`: the whole study. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import type { InferValue } from "@optique/core/parser";
import { map, optional } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { openBackend } from "../../core/backend/mod.ts";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { usualPrecision } from "../../core/config/mod.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import type { Action } from "../ui/run.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import {
  activationOptions,
  conduct,
  dataOption,
  defaultFolder,
  matchOption,
  presetOn,
  presetOption,
  profileOption,
  suiteOption,
  trainingOptions,
  usualPreset,
} from "../shared/study.ts";

const options = merge(
  object("The study", {
    preset: presetOption,
    suite: suiteOption,
    models: optional(option("--models", string({ metavar: "A,B" }), {
      description: message`only these models; samba and falcon-h1 are known besides those of the suite`,
    })),
    seeds: optional(
      option("--seeds", integer({ min: 1, metavar: "N" }), { description: message`repeat with seeds 1 to N` }),
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
  trainingOptions,
  activationOptions,
  backendOptions,
);

export const ablateCommand = command("ablate", map(options, (given): Action => () => ablate(given)), {
  brief: message`the whole study: every model, both stages, every artifact`,
  description:
    message`Trains and compares all models in two stages and writes every table and figure. The same command goes on where it was stopped. Example: hymba ablate --preset smoke --data book.txt`,
});

async function ablate({ preset, models, data, out, json, ...given }: InferValue<typeof options>): Promise<void> {
  const study = (name: string, precision = given.precision) =>
    resolvedStudy(name, { ...given, precision, models: models?.split(",") });
  study(preset ?? usualPreset(given.profile)); // wrong flags are told before anything is fetched
  const display = new StudyDisplay(), onProgress = (line: string) => display.say(line);
  const opened = await openBackend({ ...given, onProgress });
  try {
    const chosen = presetOn(opened, preset ?? usualPreset(given.profile, opened.hardware));
    const corpus = await resolveCorpus({ data, onProgress });
    if (corpus.warning) display.say(`warning: ${corpus.warning}`);
    const special = given.profile
      ? [`profile-${given.profile}`]
      : given.suite && given.suite !== "arms"
      ? [given.suite]
      : [];
    const folder = out ??
      defaultFolder(chosen, ...special, corpus.name);
    await conduct({
      study: study(chosen, given.precision ?? usualPrecision(chosen, opened.hardware)),
      opened,
      corpus,
      folder,
      display,
      json,
      probe: true,
    });
  } finally {
    await opened.executor.close();
  }
}
