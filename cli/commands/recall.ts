/** `hymba recall`: the recall probe of a suite, without the rest of a study. */
import { join } from "node:path";
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { openBackend } from "../../core/backend/mod.ts";
import type { RecallConfig } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import type { RecallResult } from "../../core/record/mod.ts";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { probeRecall } from "../../core/eval/recall.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { percent } from "../../core/report/format.ts";
import { type Probe, recallByArm, recallChart, recallCsv } from "../../core/report/recall.ts";
import type { Action } from "../ui/run.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { suiteOption } from "../shared/study.ts";
import { presetOption } from "../shared/study_sources.ts";

const options = merge(
  object("The probe", {
    preset: presetOption,
    suite: suiteOption,
    models: optional(option("--models", string({ metavar: "A,B" }), { description: message`only these models` })),
    seeds: withDefault(
      option("--seeds", integer({ min: 1, metavar: "N" }), {
        description: message`repeat with seeds 1 to N; 1 by default`,
      }),
      1,
    ),
    steps: optional(
      option("--steps", integer({ min: 1, metavar: "N" }), { description: message`updates of each model` }),
    ),
    out: withDefault(
      option("--out", string({ metavar: "DIR" }), {
        description: message`folder of the files; the current one by default`,
      }),
      ".",
    ),
    json: jsonOption,
  }),
  backendOptions,
);

export const recallCommand = command("recall", map(options, (given): Action => () => recall(given)), {
  brief: message`associative recall by distance, with small models trained for it`,
  description:
    message`Trains a small model of each architecture on synthetic sequences. A sequence shows keys with values; later it shows a key again, and the model has to predict its value. Measures the share of right answers by distance. Writes recall.csv and recall.png. Example: hymba recall --preset quick --models mamba,hymba`,
});

async function recall(
  { preset = "quick", suite, models, seeds, steps, out, json, ...where }: InferValue<typeof options>,
) {
  const { recall, seeds: list } = studyOf(preset, { suite, models: models?.split(","), seeds });
  if (!recall) throw new UsageError(`preset ${preset} has no recall probe`, { hint: "--preset quick has one" });
  const config: RecallConfig = { ...recall, steps: steps ?? recall.steps };
  const display = new StudyDisplay();
  const { executor, backend, adapter } = await openBackend({ ...where, onProgress: (line) => display.say(line) });
  try {
    const results = await probeEach(executor, { config, seeds: list, display });
    const footer = `preset ${preset}  ·  ${seeds === 1 ? "seed 1" : `${seeds} seeds`}  ·  ${backend}, ${adapter.name}`;
    const probe: Probe = { recall: config, results, footer };
    const csv = join(out, "recall.csv"), picture = join(out, "recall.png");
    await makeFolders(systemDisk, out);
    await writeAtomic(systemDisk, csv, recallCsv(probe));
    await writeAtomic(systemDisk, picture, await recallChart(probe));
    if (json) console.log(JSON.stringify({ written: [csv, picture], results }));
    else console.log(`${recallTable(probe)}\nwrote ${csv}\nwrote ${picture}`);
  } finally {
    await executor.close();
  }
}

async function probeEach(
  executor: Executor,
  { config, seeds, display }: { config: RecallConfig; seeds: readonly number[]; display: StudyDisplay },
): Promise<RecallResult[]> {
  const results: RecallResult[] = [];
  for (const seed of seeds) {
    for (const arm of config.arms) {
      results.push(
        await probeRecall(executor, arm, {
          recall: config,
          seed,
          onStep: (event) => display.show({ ...event, kind: "step", arm: arm.name, seed, stage: "recall" }),
        }),
      );
    }
  }
  return results;
}

function recallTable(probe: Probe): string {
  const { recall } = probe;
  const rows = recallByArm(probe).map(({ name, accuracies, results }) => [
    name,
    ...accuracies.map(({ mean }) => percent(mean)),
    String(at(results, 0).parameters),
    `${(results.reduce((sum, { train_s }) => sum + train_s, 0) / results.length).toFixed(1)} s`,
  ]);
  const ranges = recall.ranges.map(([least, most]) => `${least}–${most} tokens`);
  return table([["model", ...ranges, "parameters", "time"], ...rows]);
}
