/** `hymba preference`: a second stage with an oracle. Its success is counted on fresh samples. */
import { join } from "node:path";
import { merge, object } from "@optique/core/constructs";
import { type Message, message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice, float, integer } from "@optique/core/valueparser";
import { openBackend } from "../../core/backend/mod.ts";
import { type Attribute, ATTRIBUTES } from "../../core/data/oracle.ts";
import { corpusTokens } from "../../core/data/corpus_tokens.ts";
import { makeFolders, systemDisk } from "../../core/disk/mod.ts";
import { Interrupted, UsageError } from "../../core/errors.ts";
import type { StudyConfig } from "../../core/config/mod.ts";
import { readTokenizer, requireOwnTokenizer, tokenizerPath } from "../../core/record/mod.ts";
import { footerOf } from "../../core/report/caption.ts";
import { oracleChart, oracleCsv, oracleFindings, oraclePoints, oracleTable } from "../../core/report/oracle.ts";
import { chooseModel, type ChosenModel } from "../../core/study/one_model.ts";
import type { OracleSettings } from "../../core/study/oracle_files.ts";
import { OracleModels } from "../../core/study/oracle_models.ts";
import { firstTokens, type OracleOutcome, runOracleTask } from "../../core/study/oracle_task.ts";
import { commandLine } from "../ui/environment.ts";
import { type Action, stopper } from "../ui/run.ts";
import { reportText } from "../ui/table.ts";
import { corpusOf } from "../shared/corpus_of_run.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { A_PICTURE, type NamedFile, requireOwnFiles, writeFilesInto } from "../shared/own_files.ts";
import { openRun, runArgument } from "../shared/run_argument.ts";
import { runTextOptions } from "../shared/study.ts";
import { modelName, word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const count = (name: `--${string}`, usual: number, description: Message) =>
  withDefault(option(name, integer({ min: 2, metavar: "N" }), { description }), usual);
const numbers = (name: `--${string}`, usual: string, description: Message) =>
  withDefault(option(name, word("LIST"), { description }), usual);

const options = merge(
  object({
    run: runArgument,
    model: optional(
      option("--model", modelName(), {
        description: message`hymba by default, or the run's only model`,
      }),
    ),
    seed: optional(
      option("--seed", integer({ min: 0, metavar: "N" }), {
        description: message`the seed of the training; the run's first by default`,
      }),
    ),
  }),
  object("The task", {
    attribute: withDefault(
      option("--attribute", choice(Object.keys(ATTRIBUTES) as Attribute[], { metavar: "line-breaks|word-length" }), {
        description: message`what the oracle counts; line-breaks by default`,
      }),
      "line-breaks" as const,
    ),
    pairs: count("--pairs", 1024, message`prompts with two samples each; 1024 by default`),
    prompts: count("--prompts", 2000, message`fresh prompts for the outcome; 2000 by default`),
    devPrompts: count("--dev-prompts", 256, message`prompts for the choice of the rate; 256 by default`),
    betas: numbers("--betas", "0,0.1,0.3,1,3", message`0,0.1,0.3,1,3 by default`),
    steps: numbers("--steps", "25,50,100", message`updates after which a model is measured; 25,50,100 by default`),
    rates: numbers(
      "--rates",
      "0.0001,0.0003,0.001",
      message`learning rates to try for each β; 0.0001,0.0003,0.001 by default`,
    ),
    batch: count("--batch", 16, message`pairs per update; 16 by default`),
    mostLoss: withDefault(
      option("--most-loss", float({ min: 0, metavar: "X" }), {
        description: message`largest increase of the loss for the chosen rate, in nats per token; 0.1 by default`,
      }),
      0.1,
    ),
    out: optional(
      option("--out", word("DIR"), {
        description: message`folder of the task; by default a folder of this name in the run directory`,
      }),
    ),
    json: jsonOption,
  }),
  runTextOptions,
  backendOptions,
);

type Given = InferValue<typeof options>;

export const preferenceCommand = command("preference", map(options, (given): Action => () => preference(given)), {
  brief: message`a preference task whose success can be counted`,
  description:
    message`The stage-1 model of a run writes two samples for each prompt. The one with more line breaks (or longer words) is preferred; the pairs are balanced by likelihood. Trains with several β, each with its own learning rate, and with shuffled labels. Counts how often fresh samples have the attribute, and measures the loss and the distance from stage 1. Writes preference_task.csv and preference_task.png. The same command continues after a stop. Example: hymba preference results/runs/quick-tinyshakespeare --model mamba`,
});

/** A list of numbers from a flag, each different. */
function listOf(flag: string, words: string, { least, whole }: { least: number; whole: boolean }): number[] {
  const found = words.split(",").map((word) => word.trim() === "" ? NaN : Number(word));
  const bad = found.some((x) => !Number.isFinite(x) || x < least || whole && !Number.isInteger(x));
  if (!bad && new Set(found).size === found.length) return found.toSorted((a, b) => a - b);
  const expected = `different ${whole ? "whole " : ""}numbers from ${least}, with commas between`;
  throw new UsageError(flag, { expected, got: JSON.stringify(words) });
}

function settingsOf(given: Given, { model, seed }: { model: string; seed: number }): OracleSettings {
  const { attribute, pairs: contests, prompts, devPrompts: developmentPrompts, batch, mostLoss } = given;
  return {
    model,
    seed,
    attribute,
    contests,
    prompts,
    developmentPrompts,
    batch,
    mostLoss,
    betas: listOf("--betas", given.betas, { least: 0, whole: false }),
    steps: listOf("--steps", given.steps, { least: 1, whole: true }),
    rates: listOf("--rates", given.rates, { least: Number.MIN_VALUE, whole: false }),
  };
}

const onProgress = say;

/** The files of a finished task; they are checked before it begins. */
const filesOf = (csv: string, picture: Uint8Array): NamedFile[] => [
  ["preference_task.csv", csv, /^model,beta,labels,rate,/],
  ["preference_task.png", picture],
];

async function preference(given: Given): Promise<void> {
  const { folder, run } = await openRun(given.run), { model, seed } = given;
  const chosen = await chooseModel(systemDisk, folder, { model, seed, stage: "pretraining" });
  const settings = settingsOf(given, { model: chosen.arm.name, seed: chosen.seed });
  const target = given.out ?? join(folder, `preference-${settings.model}-${settings.seed}`);
  await requireOwnFiles(systemDisk, target, filesOf("", A_PICTURE));
  const outcome = await testPreferences(given, { folder, target, chosen, settings });
  const picture = await oracleChart(outcome, { footer: footerOf(run) });
  const written = await writeFilesInto(target, filesOf(oracleCsv(outcome), picture));
  const findings = oracleFindings(outcome);
  if (given.json) {
    const { results: _, ...about } = outcome, points = oraclePoints(outcome);
    return printJson("preference", { run: folder, written, ...about, points, findings });
  }
  const { columns, rows } = oracleTable(outcome);
  console.log(reportText({ columns, rows }, findings));
  console.log(written.map((path) => `wrote ${path}`).join("\n"));
}

/** The sizes of a sample, which are those of the study. */
const sizesOf = ({ preference, sequenceLength }: StudyConfig) => {
  const { promptTokens, completionTokens, temperature } = preference;
  return { promptTokens, completionTokens, temperature, sequenceLength };
};

/** What the file of its weights has to say of itself. */
const originOf = ({ arm, stage }: ChosenModel, tokenizer: string) => ({ arm: arm.name, stage, tokenizer });

async function testPreferences(
  { data, validationData, testData, backend, adapter, threads }: Given,
  { folder, target, chosen, settings }: {
    folder: string;
    target: string;
    chosen: ChosenModel;
    settings: OracleSettings;
  },
): Promise<OracleOutcome> {
  const { record, arm, weights } = chosen, { study } = record, path = tokenizerPath(folder, study);
  const corpus = await corpusOf(record, { data, validationData, testData, onProgress });
  const tokenizer = await readTokenizer(systemDisk, path);
  requireOwnTokenizer(path, { hash: tokenizer.hash, recorded: record.tokenizer.sha256 });
  const tokens = await corpusTokens(systemDisk, corpus, { tokenizer, rule: study });
  const bytes = await systemDisk.read(weights);
  await makeFolders(systemDisk, target);
  const { executor } = await openBackend({ backend, adapter, threads, onProgress });
  const { signal, listen, dispose } = stopper(() => onProgress("stopping; Ctrl-C again stops at once"));
  try {
    executor.useTiles?.(record.tiles ?? {});
    const sizes = sizesOf(study), { seed } = settings, origin = originOf(chosen, tokenizer.hash);
    const how = { ...sizes, seed, validation: firstTokens(tokens.validation), signal };
    const models = new OracleModels(executor, how, { bytes, name: weights, origin, config: arm.config });
    listen();
    try {
      const means = { disk: systemDisk, folder: target, settings, study, tokens, tokenizer, models, signal };
      return await runOracleTask({ ...means, say: onProgress });
    } finally {
      models.release();
    }
  } catch (error) {
    if (error instanceof Interrupted) onProgress(`to continue, repeat the same command:\n  ${commandLine()}`);
    throw error;
  } finally {
    tokens.close?.();
    dispose();
    await executor.close();
  }
}
