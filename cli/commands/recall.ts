/** `hymba recall`: the recall probe of a suite, without the rest of a study. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { Diverged, quoted, UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { openBackend } from "../../core/backend/mod.ts";
import type { Arm, RecallConfig } from "../../core/config/mod.ts";
import { resolveSources } from "../../core/study_file/mod.ts";
import type { RecallResult } from "../../core/record/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { probeRecall } from "../../core/eval/recall.ts";
import { bestRate, type TriedRate, tryRates } from "../../core/eval/recall_rate.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { bytes, NONE, percent } from "../../core/report/format.ts";
import { type Probe, recallByArm, recallChart, recallCsv } from "../../core/report/recall.ts";
import { carriedByArm, recallStateChart } from "../../core/report/recall_state.ts";
import type { Action } from "../ui/run.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { suiteOption } from "../shared/study.ts";
import { flagValues, presetOption, seedsOption, sourcesOf, studyArgument } from "../shared/study_sources.ts";
import { keyValue, modelNames, word } from "../shared/value_parsers.ts";
import { A_PICTURE, type NamedFile, requireOwnFiles, writeFilesInto } from "../shared/own_files.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object("The probe", {
    study: studyArgument,
    preset: presetOption,
    suite: suiteOption,
    models: optional(option("--models", modelNames(), { description: message`only these models` })),
    seeds: seedsOption,
    steps: optional(
      option("--steps", integer({ min: 1, metavar: "N" }), { description: message`updates of each model` }),
    ),
    set: multiple(option("--set", keyValue(), {
      description:
        message`set any key of a study file, such as recall.perRange or recall.model.stateSize; can be repeated`,
    })),
    rates: optional(option("--rates", word("A,B"), {
      description:
        message`choose one of these learning rates for each model, with two seeds that are used for nothing else`,
    })),
    out: withDefault(
      option("--out", word("DIR"), {
        description: message`folder of the files; the current one by default`,
      }),
      ".",
    ),
    json: jsonOption,
  }),
  backendOptions,
);

export const recallCommand = command("recall", map(options, (given): Action => () => recall(given)), {
  brief: message`associative recall by distance, with small models that are trained for it`,
  description:
    message`Trains a small model of each architecture on synthetic sequences. A sequence shows keys with values; later it shows a key again, and the model has to predict its value. Measures the share of right answers by distance. Writes recall.csv, recall.png, and recall_state.png with accuracy against the bytes that a model carries; with --rates also recall_rates.csv. Example: hymba recall --preset quick --models mamba,hymba --rates 1e-3,3e-3,1e-2 --set recall.evaluateEvery=50`,
});

/** The learning rates of --rates. */
function ratesOf(words: string | undefined): number[] | undefined {
  if (words === undefined) return undefined;
  const rates = words.split(",").map(Number);
  if (rates.every((rate) => rate > 0 && rate < 1e3) && new Set(rates).size === rates.length) return rates;
  throw new UsageError(`--rates ${quoted(words)}`, { expected: "different learning rates above 0, such as 1e-3,3e-3" });
}

/** The probe of a study, from a file, a preset and flags, and the options that name the study. */
async function probeFrom({ study: path, preset, suite, models, seeds, steps, set }: InferValue<typeof options>) {
  const given = flagValues({
    set,
    preset,
    suite,
    models: models?.split(","),
    seeds: seeds ?? (path ? undefined : "1"),
  });
  const stepsFlag = steps === undefined ? [] : [{ flag: "--steps", path: "recall.steps", value: steps }];
  const { study } = resolveSources({ ...await sourcesOf(path, [...given, ...stepsFlag]), preset: "quick" });
  if (!study.recall) throw new UsageError(`${study.preset} has no recall probe`, { hint: "--preset quick has one" });
  return { config: study.recall, seeds: study.seeds, words: path ? `study ${study.preset}` : `preset ${study.preset}` };
}

/** How the files of this command begin. */
const STARTS: readonly NamedFile[] = [
  ["recall.csv", "model,"],
  ...["recall.png", "recall_state.png"].map((name): NamedFile => [name, A_PICTURE]),
];

async function recall(given: InferValue<typeof options>) {
  const { out, json, backend: wanted, adapter: named, threads } = given, rates = ratesOf(given.rates);
  // Before the training, so that no training is wasted.
  await requireOwnFiles(systemDisk, out, STARTS);
  const { config, seeds, words } = await probeFrom(given), display = new StudyDisplay();
  const where = { backend: wanted, adapter: named, threads, onProgress: (line: string) => display.say(line) };
  const { executor, backend, adapter } = await openBackend(where);
  try {
    const { results, tried } = await probeEach(executor, { config, seeds, rates, display });
    const footer = `${words}  ·  ${seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds`}  ·  ` +
      `${backend}, ${adapter.name}`;
    const probe: Probe = { recall: config, results, footer };
    const files: NamedFile[] = [
      ["recall.csv", recallCsv(probe)],
      ["recall.png", await recallChart(probe)],
      ["recall_state.png", await recallStateChart(probe)],
      ...(rates ? [["recall_rates.csv", ratesCsv(tried)] satisfies NamedFile] : []),
    ];
    const written = await writeFilesInto(out, files);
    if (json) printJson("recall", { written, results, ...(rates ? { tried } : {}) });
    else console.log([recallTable(probe), ...written.map((path) => `wrote ${path}`)].join("\n"));
  } finally {
    await executor.close();
  }
}

const ratesCsv = (tried: readonly TriedRate[]): string =>
  [
    "model,rate,seed,accuracy,loss_nats",
    ...tried.map(({ arm, rate, seed, accuracy, loss }) =>
      [arm, rate, seed, accuracy ?? "diverged", loss ?? "diverged"].join(",")
    ),
  ].map((row) => `${row}\n`).join("");

/** Probes every arm with every seed. If rates are tried, each arm has its own rate. */
async function probeEach(
  executor: Executor,
  { config, seeds, rates, display }: {
    config: RecallConfig;
    seeds: readonly number[];
    rates: readonly number[] | undefined;
    display: StudyDisplay;
  },
): Promise<{ results: RecallResult[]; tried: TriedRate[] }> {
  const results: RecallResult[] = [], tried: TriedRate[] = [];
  const showing = (arm: Arm, seed: number) => ({
    onStep: (event: { step: number; steps: number; loss: number; tokens_per_s: number }) =>
      display.show({ ...event, kind: "step", arm: arm.name, seed, stage: "recall" }),
  });
  for (const arm of config.arms) {
    const own = rates ? await tryRates(executor, arm, { recall: config, rates, ...showing(arm, 0) }) : [];
    tried.push(...own);
    const rate = rates ? bestRate(own) : config.rate;
    if (rate === undefined) {
      throw new Diverged(`${arm.name}: training diverged with every rate`, { got: rates?.join(", ") });
    }
    for (const seed of seeds) {
      const found = await probeRecall(executor, arm, { recall: { ...config, rate }, seed, ...showing(arm, seed) });
      results.push(rates ? { ...found, rate } : found);
    }
  }
  return { results, tried };
}

function recallTable(probe: Probe): string {
  const { recall } = probe;
  const rows = recallByArm(probe).map(({ name, accuracies, results }) => [
    name,
    ...accuracies.map(({ mean }) => percent(mean)),
    ...solvedWords(probe, name),
    String(at(results, 0).parameters),
  ]);
  const ranges = recall.ranges.map(([least, most]) => `${least}–${most} tokens`);
  return table([["model", ...ranges, "solved", "carried", "rate", "parameters"], ...rows]);
}

/** The number of seeds that solve the task, the size of the model's memory, and its learning rate. */
function solvedWords(probe: Probe, name: string): string[] {
  const arm = carriedByArm(probe).find((one) => one.name === name),
    result = probe.results.find((one) => one.arm === name);
  return [
    arm ? `${arm.solved} of ${arm.seeds}` : NONE,
    bytes(arm?.bytes),
    String(result?.rate ?? probe.recall.rate),
  ];
}
