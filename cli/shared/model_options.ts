/** Options that choose a trained model of a run. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { choice, integer } from "@optique/core/valueparser";
import { type BackendOptions, openBackend } from "../../core/backend/mod.ts";
import { STAGES } from "../../core/record/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import {
  chooseModel,
  type ChosenModel,
  findModel,
  type ModelChoice,
  type ModelFiles,
  TrainedModel,
} from "../../core/study/one_model.ts";
import { noteKernels } from "./kernel_note.ts";
import { modelName } from "./value_parsers.ts";

const model = optional(
  option("--model", modelName(), { description: message`hymba by default, or the run's only model` }),
);

const stage = optional(
  option("--stage", choice([...STAGES], { metavar: "pretraining|orpo|control" }), {
    description: message`the stage; the last one by default`,
  }),
);

const seedOfTraining = (name: "--seed" | "--training-seed") =>
  optional(
    option(name, integer({ min: 0, metavar: "N" }), {
      description: message`the seed of the training; the run's first by default`,
    }),
  );

export const modelOptions = object("Which model", { model, seed: seedOfTraining("--seed"), stage });

/** For commands whose `--seed` means another seed. */
export const modelOptionsBesideSeed = object("Which model", {
  model,
  trainingSeed: seedOfTraining("--training-seed"),
  stage,
});

/** The work of a command with an opened model. */
type Use<Files extends ModelFiles, T> = (model: TrainedModel<Files>) => Promise<T>;

interface Wanted {
  readonly choice: ModelChoice;
  readonly backend: BackendOptions;
}

/** Opens a backend and a model, runs `use`, and closes both. */
async function opened<Files extends ModelFiles, T>(
  chosen: Files,
  { backend, folder }: Pick<Wanted, "backend"> & { folder: string },
  use: Use<Files, T>,
): Promise<T> {
  if (isOfRun(chosen)) await noteKernels(folder, chosen.record);
  const { executor } = await openBackend(backend);
  try {
    const model = await TrainedModel.open(executor, { disk: systemDisk, chosen });
    try {
      return await use(model);
    } finally {
      model.release();
    }
  } finally {
    await executor.close();
  }
}

const isOfRun = (chosen: ModelFiles | ChosenModel): chosen is ChosenModel => "record" in chosen;

/** The same with a model of a run. */
export const withModel = async <T>(folder: string, wanted: Wanted, use: Use<ChosenModel, T>): Promise<T> =>
  await opened(await chooseModel(systemDisk, folder, wanted.choice), { ...wanted, folder }, use);

/** The same with a model of a run, or of a folder that `hymba import` made. */
export const withAnyModel = async <T>(folder: string, wanted: Wanted, use: Use<ModelFiles, T>): Promise<T> =>
  await opened(await findModel(systemDisk, folder, wanted.choice), { ...wanted, folder }, use);
