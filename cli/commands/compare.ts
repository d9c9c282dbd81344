/** `hymba compare`: the models of several runs, paired token by token. */
import { basename, resolve } from "node:path";
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { STAGES } from "../../core/record/mod.ts";
import { compareNote, compareRuns, compareTable, type NamedRun } from "../../core/report/compare_runs.ts";
import { differences } from "../../core/study/json_differences.ts";
import type { Action } from "../ui/run.ts";
import { printJson } from "../ui/output.ts";
import { reportText } from "../ui/table.ts";
import { marginOption } from "../shared/artifact.ts";
import { jsonOption } from "../shared/options.ts";
import { openRun } from "../shared/run_argument.ts";
import { modelNames, runName } from "../shared/value_parsers.ts";

const options = object({
  runs: multiple(
    argument(runName(), { description: message`two run directories or more; the first is the baseline` }),
    {
      min: 2,
    },
  ),
  models: optional(option("--models", modelNames(), { description: message`only these models` })),
  everyPair: option("--every-pair", {
    description: message`every model of one run with every model of the others, not only those of one name`,
  }),
  stage: optional(
    option("--stage", choice([...STAGES], { metavar: "pretraining|orpo|control" }), {
      description: message`the stage; by default the last one that all runs have`,
    }),
  ),
  margin: marginOption,
  json: jsonOption,
});

export const compareCommand = command("compare", map(options, (given): Action => () => compare(given)), {
  brief: message`differences between the models of several runs, with intervals`,
  description:
    message`Pairs the losses of the same validation tokens with the same seeds, and gives every difference from the first run with its 95 % interval. All runs need the same text and tokenizer. Example: hymba compare results/runs/a results/runs/b --models hymba`,
});

/** A short name for each folder: its last part if these differ, else the whole path. */
function namesOf(folders: readonly string[]): string[] {
  const last = folders.map((folder) => basename(resolve(folder)));
  return new Set(last).size === last.length ? last : [...folders];
}

async function compare(
  { runs, models, everyPair, stage, margin, json }: InferValue<typeof options>,
): Promise<void> {
  const again = runs.find((run, i) => runs.findIndex((other) => resolve(other) === resolve(run)) < i);
  if (again !== undefined) throw new UsageError(`${again} is named twice`, { expected: "different runs" });
  const names = namesOf(runs), named: NamedRun[] = [];
  for (const [i, folder] of runs.entries()) named.push({ name: at(names, i), run: (await openRun(folder)).run });
  const found = compareRuns(named, { stage, margin, models: models?.split(","), everyPair });
  if (json) return printJson("compare", { runs: [...runs], ...found });
  const [first, ...others] = named,
    changed = others.flatMap(({ name, run }) => {
      const studies = [first?.run.record.study, run.record.study] as const;
      return differences(...studies, { words: [`in ${first?.name}`, `in ${name}`] });
    });
  const note = compareNote(named, found), said = changed.length > 0 ? ["", "What differs between the studies:"] : [];
  console.log([reportText(compareTable(found), [note]), ...said, ...changed.map((line) => `  ${line}`)].join("\n"));
}
