/** `hymba orpo`: the second stage of a run. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { openBackend } from "../../core/backend/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { readRecord } from "../../core/record/mod.ts";
import type { Action } from "../ui/run.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { corpusOf } from "../shared/corpus_of_run.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { conduct, runTextOptions } from "../shared/study.ts";

const options = merge(object({ run: runArgument, json: jsonOption }), runTextOptions, backendOptions);

export const orpoCommand = command("orpo", map(options, (given): Action => () => orpo(given)), {
  brief: message`the second stage of a run: preference optimisation`,
  description:
    message`Continues a run: preference optimisation from the weights of its first stage, and the control with beta = 0. An unfinished first stage is finished first. Example: hymba orpo results/runs/smoke-book-mamba-1 --data book.txt`,
});

async function orpo(
  { run, data, validationData, testData, json, backend, ...given }: InferValue<typeof options>,
): Promise<void> {
  const folder = await folderOf(run), record = await readRecord(systemDisk, folder);
  if (record.study.lastStage === "pretraining") {
    throw new UsageError(`${folder} is a study of the first stage alone`, {
      expected: "a run whose study has a second stage",
      hint: 'begin another run without lastStage = "pretraining"',
    });
  }
  const display = new StudyDisplay(), onProgress = (line: string) => display.say(line);
  const corpus = await corpusOf(record, { data, validationData, testData, onProgress });
  const { tensorCores } = record.study;
  const opened = await openBackend({ ...given, backend: backend ?? record.backend, tensorCores, onProgress });
  try {
    await conduct({ study: record.study, opened, corpus, folder, display, json, speeds: true });
  } finally {
    await opened.executor.close();
  }
}
