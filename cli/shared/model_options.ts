/** Options that choose a trained model of a run. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { type BackendOptions, openBackend } from "../../core/backend/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { chooseModel, type ModelChoice, TrainedModel } from "../../core/study/one_model.ts";

const model = optional(
  option("--model", string({ metavar: "NAME" }), { description: message`hymba by default, or the run's only model` }),
);

const stage = optional(
  option("--stage", string({ metavar: "pretraining|orpo|control" }), {
    description: message`the last one by default`,
  }),
);

const seedOfTraining = (name: "--seed" | "--training-seed") =>
  optional(
    option(name, integer({ min: 0, metavar: "N" }), {
      description: message`the seed of the training; the run's first by default`,
    }),
  );

export const modelOptions = object("Which model", { model, seed: seedOfTraining("--seed"), stage });

/** For commands whose `--seed` is another seed. */
export const modelOptionsBesideSeed = object("Which model", {
  model,
  trainingSeed: seedOfTraining("--training-seed"),
  stage,
});

/** Opens a backend and a model of a run, runs `use`, and closes both. */
export async function withModel<T>(
  folder: string,
  { choice, backend }: { choice: ModelChoice; backend: BackendOptions },
  use: (model: TrainedModel) => Promise<T>,
): Promise<T> {
  const chosen = await chooseModel(systemDisk, folder, choice);
  const { executor } = await openBackend(backend);
  try {
    const model = await TrainedModel.open(executor, { disk: systemDisk, folder, chosen });
    try {
      return await use(model);
    } finally {
      model.release();
    }
  } finally {
    await executor.close();
  }
}
