/** `hymba lesion`: ablates branches, heads, windows and meta tokens of a trained model and measures the loss. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { Corpus } from "../../core/data/corpus.ts";
import { corpusTokens } from "../../core/data/corpus_tokens.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { lesions, lesionText } from "../../core/eval/lesion.ts";
import { tokenKinds } from "../../core/eval/token_kinds.ts";
import type { TrainedModel } from "../../core/study/one_model.ts";
import { footerOf } from "../../core/report/caption.ts";
import {
  type LesionReport,
  lesionReport,
  lesionsChart,
  lesionsCsv,
  lesionsNote,
  lesionsTable,
} from "../../core/report/lesions.ts";
import type { Action } from "../ui/run.ts";
import { reportText } from "../ui/table.ts";
import { outOption } from "../shared/artifact.ts";
import { corpusOf } from "../shared/corpus_of_run.ts";
import { modelOptions, withModel } from "../shared/model_options.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { openRun, runArgument } from "../shared/run_argument.ts";
import { runTextOptions } from "../shared/study.ts";
import { A_PICTURE, type NamedFile, requireOwnFiles, writeFilesInto } from "../shared/own_files.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object({
    run: runArgument,
    sequences: withDefault(
      option("--sequences", integer({ min: 1, metavar: "N" }), {
        description: message`evaluated sequences of the validation text, evenly spaced; 128 by default`,
      }),
      128,
    ),
    out: outOption,
    json: jsonOption,
  }),
  runTextOptions,
  modelOptions,
  backendOptions,
);

export const lesionCommand = command("lesion", map(options, (given): Action => () => lesion(given)), {
  brief: message`the loss of a trained model without a branch, head, window or its meta tokens`,
  description:
    message`Evaluates one model of a run with one part changed at a time, layer by layer: the output of each branch and head is zero, averaged, or exchanged between sequences; each window is changed; meta tokens are zero or all equal. Writes lesions.csv (also by kind of token and distance) and lesions.png. Example: hymba lesion results/runs/quick-tinyshakespeare --model hymba --stage pretraining`,
});

const onProgress = say;

/** The files of a report; they are checked before the model is evaluated. */
const filesOf = (csv: string, picture: Uint8Array): NamedFile[] => [
  ["lesions.csv", csv, /^model,seed,stage,layer,part,/],
  ["lesions.png", picture],
];

/** Runs every lesion on one model. */
async function cut(
  model: TrainedModel,
  { corpus, sequences }: { corpus: Corpus; sequences: number },
): Promise<LesionReport> {
  const { chosen: { record, arm, seed, stage }, tokenizer } = model, { study } = record, T = study.sequenceLength;
  const { train, validation: part, close } = await corpusTokens(systemDisk, corpus, {
    tokenizer,
    rule: study,
    onProgress,
  });
  const B = study.pretraining.batch;
  const text = lesionText(part, { B, T, sequences });
  const found = await lesions(model, text, {
    onLesion: ({ layer, part, head, change }, { count, of }) =>
      onProgress(
        `${count} of ${of}: layer ${layer ?? "all"}, ${part}${head === undefined ? "" : ` ${head}`}, ${change}`,
      ),
  });
  const all = tokenKinds({ part, train: train.tokens, T, textOf: (id) => tokenizer.decode([id]) });
  close?.();
  const groups = all.map((group) => ({ ...group, codes: Uint8Array.from(text.places, (i) => group.codes[i] ?? 0) }));
  const subject = { record, model: arm.name, seed, stage, sequences: text.batches.length * B };
  return lesionReport(subject, { ...found, groups });
}

async function lesion(
  { run: wanted, sequences, data, validationData, testData, out, json, model, seed, stage, ...backend }: InferValue<
    typeof options
  >,
): Promise<void> {
  const { folder, run } = await openRun(wanted), texts = { data, validationData, testData };
  const corpus = await corpusOf(run.record, { ...texts, onProgress });
  const choice = { model, seed, stage }, target = out ?? folder;
  await requireOwnFiles(systemDisk, target, filesOf("", A_PICTURE));
  const report = await withModel(
    folder,
    { choice, backend: { ...backend, onProgress } },
    (opened) => cut(opened, { corpus, sequences }),
  );
  const picture = await lesionsChart(report, { footer: footerOf(run) });
  const written = await writeFilesInto(target, filesOf(lesionsCsv(report), picture));
  const { record: _, ...found } = report;
  if (json) return printJson("lesion", { run: folder, written, ...found });
  const { columns, rows } = lesionsTable(report);
  console.log(reportText({ columns, rows }, [lesionsNote(report)]));
  console.log(written.map((path) => `wrote ${path}`).join("\n"));
}
