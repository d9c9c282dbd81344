/** `hymba sweep`: trains every model at every point of a grid and chooses by the development part. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { choiceRows } from "../../core/report/mod.ts";
import { sweepOf } from "../../core/study_file/mod.ts";
import { cellOption } from "../shared/cells.ts";
import { withStudy } from "../shared/new_study.ts";
import { jobsOption, requireOneOf } from "../shared/jobs.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import {
  activationOptions,
  dataOption,
  defaultFolder,
  matchOption,
  modelsOption,
  suiteOption,
} from "../shared/study.ts";
import { flagValues, keyOptions, presetOption, readyStudy, sourcesOf, studyArgument } from "../shared/study_sources.ts";
import { trainSweep } from "../shared/sweep.ts";
import { extendOption, overOption, perArmOption, sweepFlags } from "../shared/sweep_flags.ts";
import { requireSweepable, resolveWith, sweepSources } from "../shared/swept.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { word } from "../shared/value_parsers.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object("The sweep", {
    study: studyArgument,
    over: overOption,
    perArm: perArmOption,
    seeds: optional(
      option("--seeds", word("N|A,B"), {
        description: message`seeds of each point: how many, or a list; 2 by default, from 10001 on`,
      }),
    ),
    extend: extendOption,
    out: optional(
      option("--out", word("DIR"), {
        description: message`folder of the sweep; by default one under results/runs`,
      }),
    ),
    cells: cellOption,
    jobs: jobsOption,
    json: jsonOption,
  }),
  object("The study", {
    preset: presetOption,
    suite: suiteOption,
    models: modelsOption,
    match: matchOption,
    data: dataOption,
    steps: optional(
      option("--steps", integer({ min: 1, metavar: "N" }), { description: message`updates of the first stage` }),
    ),
  }),
  keyOptions,
  activationOptions,
  backendOptions,
);

export const sweepCommand = command("sweep", map(options, (given): Action => () => sweep(given)), {
  brief: message`tries values of keys and chooses the best for each model`,
  description:
    message`Trains the first stage of every model at every point of a grid and chooses the point of the lowest mean loss on the development part. If the best value is at an edge, the grid is extended. A stopped sweep continues when the same command is repeated. hymba ablate --tuned DIR uses the choice with other seeds. Example: hymba sweep --preset smoke --over pretraining.rate=1e-3,2e-3,4e-3 --per-arm`,
});

const FULL_LENGTH = "note: the sweep trains at the full length; the shorter trainings of decayAt get its choices";

async function sweep(
  {
    study: path,
    over,
    perArm,
    seeds,
    extend,
    models,
    data,
    out,
    cells,
    jobs,
    json,
    backend,
    adapter,
    threads,
    ...given
  }: InferValue<typeof options>,
): Promise<void> {
  requireOneOf({ cells, jobs });
  const own = sweepFlags({ over, perArm, seeds, extend });
  const sources = sweepSources(
    await sourcesOf(path, [...flagValues({ ...given, models: models?.split(",") }), ...own], { data }),
  );
  const { values, study: asked } = readyStudy(sources);
  requireSweepable(asked, sweepOf(values));
  await withStudy(sources, { backend: { backend, adapter, threads }, data }, async ({ resolved, parts, ...open }) => {
    const { study: base, values } = resolved, folder = out ?? defaultFolder("sweep", ...parts);
    if (values.has("pretraining.decayAt")) open.display.say(FULL_LENGTH);
    const resolve = resolveWith(sources, open.opened);
    const only = cells === undefined ? {} : { cells: { words: cells, json } };
    const how = { resolve, folder, ...only, ...(jobs !== undefined && { jobs }) };
    const { record, written } = await trainSweep({ ...open, base, values, sweep: sweepOf(values), ...how }) ?? {};
    if (!record || !written) return;
    if (record.choices.length < base.arms.length) Deno.exitCode = 1;
    if (json) return printJson("sweep", { sweep: folder, written, choices: record.choices });
    console.log(`${table(choiceRows(record))}\n${written.map((file) => `wrote ${file}`).join("\n")}`);
  });
}
