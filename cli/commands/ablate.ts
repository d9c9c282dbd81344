/** This folder: one file per command. `hymba ablate`: the whole study. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import type { InferValue } from "@optique/core/parser";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import type { Action } from "../ui/run.ts";
import { startStudy } from "../shared/new_study.ts";
import { tunedOption, tunedSources } from "../shared/tuned.ts";
import { cellOption } from "../shared/cells.ts";
import { jobsOption } from "../shared/jobs.ts";
import { outOption } from "../shared/options.ts";
import { sourcesIn, wholeStudyOptions } from "../shared/whole_study.ts";

const options = merge(
  wholeStudyOptions,
  object("The run", {
    out: outOption,
    tuned: tunedOption,
    cells: cellOption,
    jobs: jobsOption,
  }),
);

export const ablateCommand = command("ablate", map(options, (given): Action => () => ablate(given)), {
  brief: message`the whole study: every model, both stages, every artifact`,
  description:
    message`Trains and compares all models in two stages and writes every table and figure. A stopped study continues when the same command is repeated. The study is a preset, or a study file, which hymba init writes. Example: hymba ablate --preset smoke --data book.txt`,
});

async function ablate({ out, cells, jobs, tuned, ...whole }: InferValue<typeof options>): Promise<void> {
  const sources = await sourcesIn(whole), { data, json, backend, adapter, threads } = whole;
  const common = { backend: { backend, adapter, threads }, data, out, cells, jobs, json, probe: true };
  if (tuned === undefined) return await startStudy(sources, common);
  const { sources: chosen, notesOf } = await tunedSources(tuned, sources);
  await startStudy(chosen, { ...common, suffix: ["tuned"], notesOf });
}
