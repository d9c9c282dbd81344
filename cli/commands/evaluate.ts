/** `hymba evaluate`: the quality of one trained model on a text. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { systemDisk } from "../../core/disk/mod.ts";
import { type Corpus, resolveCorpus, wholeText } from "../../core/data/corpus.ts";
import { corpusTokens } from "../../core/data/corpus_tokens.ts";
import type { Part } from "../../core/data/parts.ts";
import { UsageError } from "../../core/errors.ts";
import type { RunRecord } from "../../core/record/mod.ts";
import {
  chooseModel,
  type ChosenModel,
  findModel,
  type ModelFiles,
  noTestPart,
  type TextQuality,
  type TrainedModel,
} from "../../core/study/one_model.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { corpusOf } from "../shared/corpus_of_run.ts";
import { modelOptions, withAnyModel, withModel } from "../shared/model_options.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { runTextOptions } from "../shared/study.ts";
import { noteReading } from "../shared/test_reading.ts";
import { word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object({
    run: runArgument,
    text: optional(
      option("--text", word("FILE"), {
        description:
          message`evaluate this whole text instead of the validation part; where the run has its test part from this file or one of several, it is recorded`,
      }),
    ),
    part: optional(
      option("--part", choice(["validation", "test"], { metavar: "validation|test" }), {
        description: message`the part of the run's text; every evaluation on the test part is recorded in the run`,
      }),
    ),
    json: jsonOption,
  }),
  runTextOptions,
  modelOptions,
  backendOptions,
);

export const evaluateCommand = command("evaluate", map(options, (given): Action => () => evaluate(given)), {
  brief: message`loss, perplexity and bits per byte of one trained model`,
  description:
    message`Evaluates a model of a run on the run's validation text, or on another text; with --text also an imported model. Example: hymba evaluate results/runs/quick-tinyshakespeare --model mamba --stage pretraining`,
});

/** A part of the run's text as tokens. */
async function heldPart(
  { tokenizer, chosen: { record: { study } } }: TrainedModel,
  { corpus, part = "validation" }: { corpus: Corpus; part?: "validation" | "test" },
): Promise<Part> {
  const tokens = await corpusTokens(systemDisk, corpus, { tokenizer, rule: study }), found = tokens[part];
  tokens.close?.();
  if (!found) throw noTestPart();
  return found;
}

type Given = InferValue<typeof options>;

/** What was evaluated, and the result. An imported model has neither seed nor stage. */
interface Evaluated extends TextQuality {
  readonly model: string;
  readonly seed?: number;
  readonly stage?: string;
  readonly text: string;
}

const seedAndStage = (chosen: ModelFiles | ChosenModel) =>
  "record" in chosen ? { seed: chosen.seed, stage: chosen.stage } : {};

const modelOf = ({ arm, seed, stage }: Pick<ChosenModel, "arm" | "seed" | "stage">) => ({
  arm: arm.name,
  seed,
  stages: [stage],
});

type RecordedText = Pick<RunRecord["corpus"], "sha256" | "files">;
const digestsOf = ({ sha256, files = [] }: RecordedText): string[] => [sha256, ...files.map((file) => file.sha256)];

/**
 * Whether a text has something of the test part of a run: it shares a file with the test part, or with the text that the test
 * part was cut from.
 */
function hasTestPart(text: Corpus, { corpus, data }: RunRecord): boolean {
  const known = digestsOf(corpus.test ?? corpus);
  return data.testTokens !== undefined && digestsOf(text).some((digest) => known.includes(digest));
}

/** A model of a run on a part of the run's text. */
async function onPart(
  folder: string,
  { part = "validation", data, validationData, testData, model, seed, stage, ...backend }: Omit<Given, "run" | "text">,
): Promise<Evaluated> {
  const choice = { model, seed, stage }, onProgress = say;
  const { record, ...chosen } = await chooseModel(systemDisk, folder, choice);
  const corpus = await corpusOf(record, { data, validationData, testData, onProgress });
  if (part === "test") {
    if (record.data.testTokens === undefined) throw noTestPart();
    await noteReading(folder, { by: "evaluate", models: [modelOf(chosen)] });
  }
  return await withModel(folder, { choice, backend: { ...backend, onProgress } }, async (opened) => ({
    model: opened.chosen.arm.name,
    seed: opened.chosen.seed,
    stage: opened.chosen.stage,
    text: `${record.corpus.name}, ${part} part`,
    ...await opened.evaluatePart(await heldPart(opened, { corpus, part })),
  }));
}

/** A model of a run, or an imported one, on a whole text. */
async function onText(
  folder: string,
  { text, model, seed, stage, backend, adapter, threads }: Omit<Given, "run" | "text"> & { text: string },
): Promise<Evaluated> {
  const choice = { model, seed, stage }, onProgress = say;
  const chosen = await findModel(systemDisk, folder, choice); // Before a long text is read.
  const corpus = await resolveCorpus({ data: text, onProgress });
  if ("record" in chosen && hasTestPart(corpus, chosen.record)) {
    await noteReading(folder, { by: "evaluate", models: [modelOf(chosen)] });
  }
  const wanted = { choice, backend: { backend, adapter, threads, onProgress } };
  return await withAnyModel(folder, wanted, async (opened) => ({
    model: opened.chosen.arm.name,
    ...seedAndStage(opened.chosen),
    text,
    ...await opened.evaluate(wholeText(corpus, "hymba evaluate --text")),
  }));
}

async function evaluate({ run, text, json, ...given }: Given): Promise<void> {
  if (text !== undefined && given.part !== undefined) {
    throw new UsageError("--text and --part exclude each other", { expected: "one of them" });
  }
  const folder = await folderOf(run), rest = { json, ...given };
  const found = text === undefined ? await onPart(folder, rest) : await onText(folder, { ...rest, text });
  const { seed = "-", stage = "-", loss, perplexity, bitsPerByte, tokens, bytes } = found;
  const numbers = [loss.toFixed(4), perplexity.toFixed(2), bitsPerByte.toFixed(3), String(tokens), String(bytes)];
  if (json) return printJson("evaluate", { run: folder, ...found });
  console.log(
    table([
      ["model", "seed", "stage", "nats/token", "perplexity", "bits/byte", "tokens", "bytes"],
      [found.model, String(seed), stage, ...numbers],
    ]),
  );
}
