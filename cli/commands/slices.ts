/** `hymba slices`: the loss by kind of token, from the stored losses of a run. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { piecesIn } from "../../core/data/parts.ts";
import { corpusTokens } from "../../core/data/corpus_tokens.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { type KindGroup, tokenKinds } from "../../core/eval/token_kinds.ts";
import { readTokenizer, requireOwnTokenizer, type Run, STAGES, tokenizerPath } from "../../core/record/mod.ts";
import {
  type SliceReport,
  sliceReport,
  slicesChart,
  slicesCsv,
  slicesNote,
  slicesTable,
} from "../../core/report/slices.ts";
import { surprisePage } from "../../core/report/surprise_page.ts";
import type { Action } from "../ui/run.ts";
import { reportText } from "../ui/table.ts";
import { marginOption, outOption } from "../shared/artifact.ts";
import { corpusOf, type RunTexts } from "../shared/corpus_of_run.ts";
import { jsonOption } from "../shared/options.ts";
import { openRun, runArgument } from "../shared/run_argument.ts";
import { runTextOptions } from "../shared/study.ts";
import { modelName } from "../shared/value_parsers.ts";
import { type NamedFile, writeFilesInto } from "../shared/own_files.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object({
    run: runArgument,
    against: optional(
      option("--against", modelName(), {
        description: message`the model that the others are compared with; the first of the study by default`,
      }),
    ),
    stage: optional(
      option("--stage", choice([...STAGES], { metavar: "pretraining|orpo|control" }), {
        description: message`the stage; the last one by default`,
      }),
    ),
    margin: marginOption,
    out: outOption,
    json: jsonOption,
  }),
  runTextOptions,
);

export const slicesCommand = command("slices", map(options, (given): Action => () => slices(given)), {
  brief: message`the loss by kind of token, without training`,
  description:
    message`Sorts the validation tokens: pairs seen before in the sequence, distance from the last same token, place in the sequence, after a line break, rare words. Compares the models on each kind, with simultaneous intervals. Writes slices.csv, slices.png, and slices.html, which colours the text by which of two models has the lower loss. Example: hymba slices results/runs/quick-tinyshakespeare --against mamba`,
});

/** The kinds of a run's validation tokens, and the text of each predicted token. */
async function kindsOf(folder: string, run: Run, where: RunTexts) {
  const { study, tokenizer: { sha256 } } = run.record, path = tokenizerPath(folder, study);
  const corpus = await corpusOf(run.record, { ...where, onProgress: say });
  const tokenizer = await readTokenizer(systemDisk, path);
  requireOwnTokenizer(path, { hash: tokenizer.hash, recorded: sha256 });
  const { train, validation: part, close } = await corpusTokens(systemDisk, corpus, { tokenizer, rule: study });
  const known = new Map<number, string>();
  const textOf = (id: number) => {
    const text = known.get(id) ?? tokenizer.decode([id]);
    known.set(id, text);
    return text;
  };
  const groups = tokenKinds({ part, train: train.tokens, T: study.sequenceLength, textOf });
  close?.();
  const texts = piecesIn(part).flatMap(([start, end]) => Array.from(part.tokens.subarray(start + 1, end), textOf));
  return { groups, texts };
}

async function slices(
  { run: wanted, against, stage, margin, out, json, ...where }: InferValue<typeof options>,
): Promise<void> {
  const { folder, run } = await openRun(wanted, { margin }), { groups, texts } = await kindsOf(folder, run, where);
  const report = sliceReport(run, groups, { against, stage }), target = out ?? folder;
  const written = await writeAll(run, { report, groups, texts, target });
  if (json) return printJson("slices", { run: folder, written, ...report });
  const { columns, rows } = slicesTable(report);
  console.log(reportText({ columns, rows }, [slicesNote(run, report)]));
  console.log(written.map((path) => `wrote ${path}`).join("\n"));
}

async function writeAll(
  run: Run,
  { report, groups, texts, target }: {
    report: SliceReport;
    groups: readonly KindGroup[];
    texts: readonly string[];
    target: string;
  },
): Promise<string[]> {
  const files: NamedFile[] = [
    ["slices.csv", slicesCsv(run, report)],
    ["slices.html", surprisePage(run, { report, groups, texts })],
  ];
  // A single model has no differences to draw.
  if ((report.slices[0]?.arms.length ?? 0) > 1) files.push(["slices.png", await slicesChart(run, report)]);
  return await writeFilesInto(target, files);
}
