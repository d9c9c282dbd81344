/** `hymba verify`: recomputes everything in a run folder and compares it. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { join } from "node:path";
import { type OpenBackend, openBackend } from "../../core/backend/mod.ts";
import type { Corpus } from "../../core/data/corpus.ts";
import { sha256, systemDisk, temporaryName } from "../../core/disk/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { type ArmTest, FILES, loadRun, readRecord, type RunRecord, STAGES } from "../../core/record/mod.ts";
import { type Cell, cellsNamed, cellsOf } from "../../core/study/cells.ts";
import { checkTestPart } from "../../core/verify/check_test_part.ts";
import { checkTokenizer } from "../../core/verify/check_tokenizer.ts";
import { checkChecksums, CHECKSUMS, type Finding } from "../../core/verify/checksums.ts";
import { checkPublished } from "../../core/verify/published.ts";
import type { Training } from "../../core/verify/train_again.ts";
import { checkArtifacts, checkQualities, checkTraining, otherMeans, sameMachine } from "../../core/verify/verify.ts";
import type { Action } from "../ui/run.ts";
import { corpusOf } from "../shared/corpus_of_run.ts";
import { noteKernels } from "../shared/kernel_note.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { runTextOptions } from "../shared/study.ts";
import { word } from "../shared/value_parsers.ts";
import { noteReading } from "../shared/test_reading.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object({
    run: runArgument,
    retrain: option("--retrain", {
      description:
        message`also repeat the training; a published result has no weights, so nothing else of it can be checked`,
    }),
    cell: optional(
      option("--cell", word("I[,J…]"), {
        description:
          message`with --retrain: only these models and seeds of the study, such as 1 or 0-3, numbered seed after seed`,
      }),
    ),
    test: option("--test", {
      description: message`also evaluate on the test part again; every evaluation on it is recorded in the run`,
    }),
    json: jsonOption,
  }),
  runTextOptions,
  backendOptions,
);

export const verifyCommand = command("verify", map(options, (given): Action => () => verify(given)), {
  brief: message`checks every file of a run, and recomputes every number`,
  description:
    message`Compares all checksums, makes every artifact again, evaluates all weights again and, with --retrain, repeats the training. A published result has tables and no weights: --retrain trains it again and compares its numbers. Exit code 1 when anything differs. Example: hymba verify results/runs/quick-tinyshakespeare`,
});

const onProgress = say;

type Given = InferValue<typeof options>;

async function verify(given: Given): Promise<void> {
  const { run, retrain, cell, json } = given, folder = await folderOf(run);
  if (cell !== undefined && !retrain) {
    throw new UsageError("--cell names what is trained again", { hint: "add --retrain" });
  }
  if (!await systemDisk.stat(join(folder, CHECKSUMS))) {
    // Without checksums this must at least be a run. A run without checksums is a finding below.
    const record = await readRecord(systemDisk, folder);
    if (!await systemDisk.stat(join(folder, FILES.arms))) return await verifyPublished(folder, { record, given });
  }
  const findings = await checkChecksums(systemDisk, folder);
  // A wrong checksum is a clearer message than the parse error of a damaged file.
  if (findings.every(({ ok }) => ok)) findings.push(...await derive(folder, given));
  else await noteKernelsIfReadable(folder);
  end(folder, findings, { json });
}

/** The note about other kernels where checksums are wrong. A record that cannot be read is among the findings already. */
async function noteKernelsIfReadable(folder: string): Promise<void> {
  const record = await readRecord(systemDisk, folder).catch((cause) => {
    if (cause instanceof HymbaError) return undefined;
    throw cause;
  });
  if (record) await noteKernels(folder, record);
}

/** Prints what was found. Exit code 1 where anything differs. */
function end(folder: string, findings: readonly Finding[], { json, note }: { json: boolean; note?: string }): void {
  if (json) printJson("verify", { run: folder, findings, ...note !== undefined && { note } });
  else console.log(findings.length === 0 ? `${folder}: ${note}` : described(folder, findings));
  if (findings.length === 0 || findings.some(({ ok }) => !ok)) Deno.exitCode = 1;
}

/** The record and the tables of a run, as results are published. Nothing can be derived from them, but all can be trained again. */
async function verifyPublished(folder: string, { record, given }: { record: RunRecord; given: Given }): Promise<void> {
  const note =
    "weights not here: the folder has only the record and artifacts of a run, so they cannot be derived again";
  const other = await noteKernels(folder, record);
  if (!given.retrain) {
    const hint = "--retrain trains it again and compares the numbers, --cell 0 only the first model and seed";
    return end(folder, [], { json: given.json, note: `${note}; ${hint}` });
  }
  const cells = chosenCells(given, record);
  const findings = await withExecutor(record, given, async (means) => {
    if (!sameMachine(record, means.opened)) throw otherMeans(record);
    const training = { ...means, record, cells, scratch: scratchOf(folder, cells), onEvent: sayCell };
    if (given.test) await noteReading(folder, { by: "verify", models: cells.map(modelOfCell) });
    return await checkPublished(systemDisk, folder, { ...training, note: other, test: given.test });
  });
  end(folder, findings, { json: given.json, note });
}

const chosenCells = ({ cell }: Given, { study }: RunRecord): Cell[] =>
  cell === undefined ? cellsOf(study) : cellsNamed(cell, study);

/** A folder of its own for these cells: a call that was killed is continued by the next one with the same cells. */
const scratchOf = (folder: string, cells: readonly Cell[]): string =>
  temporaryName(`${folder}.verify-${sha256(cells.map(({ index }) => index).join()).slice(0, 8)}`);

const sayCell: Training["onEvent"] = ({ kind, arm, seed }) => {
  if (kind === "arm") onProgress(`trains ${arm}, seed ${seed}`);
};

/** Opens the text and the executor of a run; with --retrain by default the one that the record names. */
async function withExecutor<T>(
  record: RunRecord,
  { retrain, data, validationData, testData, ...given }: Given,
  work: (means: { executor: Executor; corpus: Corpus; opened: OpenBackend }) => Promise<T>,
): Promise<T> {
  const corpus = await corpusOf(record, { data, validationData, testData, onProgress });
  const backend = given.backend ?? (retrain && given.adapter === undefined ? record.backend : undefined);
  // Evaluations are made in f32, so only training again needs tensor cores.
  const tensorCores = retrain ? record.study.tensorCores : undefined, { adapter, threads } = given;
  const opened = await openBackend({ backend, adapter, threads, tensorCores, onProgress });
  try {
    return await work({ executor: opened.executor, corpus, opened });
  } finally {
    await opened.executor.close();
  }
}

/** Recomputes artifacts and losses, and with `retrain` the weights, and compares them with the run. */
async function derive(folder: string, given: Given): Promise<Finding[]> {
  const run = await loadRun(systemDisk, folder), { record } = run, other = await noteKernels(folder, record);
  const findings = [...await checkArtifacts(systemDisk, folder, run), ...checkTestPart(run)];
  return await withExecutor(record, given, async ({ executor, corpus, opened }) => {
    // An older record has no hash of its kernels; then the bits are compared.
    const sameKernels = record.kernels === undefined || other === undefined;
    const means = { executor, corpus, same: sameMachine(record, opened) && sameKernels, run };
    findings.push(...await checkTokenizer(systemDisk, folder, { record, corpus }));
    findings.push(...await checkQualities(systemDisk, folder, means));
    if (given.test) {
      await noteReading(folder, { by: "verify", models: run.test?.results.map(modelOf) ?? [] });
      findings.push(...await checkQualities(systemDisk, folder, { ...means, part: "test" }));
    }
    if (given.retrain) {
      const cells = chosenCells(given, record), scratch = scratchOf(folder, cells);
      findings.push(...await checkTraining(systemDisk, folder, { ...means, cells, scratch, onEvent: sayCell }));
    }
    return findings;
  });
}

const modelOf = ({ arm, seed, stages }: ArmTest) => ({ arm, seed, stages: STAGES.filter((stage) => stages[stage]) });

/** A model of a published result; its first stage stands for all: the table says which it has. */
const modelOfCell = ({ arm: { name }, seed }: Cell) => ({ arm: name, seed, stages: STAGES.slice(0, 1) });

function described(folder: string, findings: readonly Finding[]): string {
  const wrong = findings.filter(({ ok }) => !ok);
  const same = findings.filter(({ what, ok }) => ok && /again|: loss|^readings/.test(what));
  const others = findings.filter(({ detail }) => detail.startsWith("not of this run"));
  return [
    ...same.map(({ what, detail }) => `same     ${what}: ${detail}`),
    ...others.map(({ what }) => `other    ${what}: not of this run`),
    ...wrong.map(({ what, detail }) => `differs  ${what}: ${detail}`),
    wrong.every(({ what }) => what === CHECKSUMS) && wrong.length === findings.length
      ? `${folder}: nothing was compared, because the list of checksums cannot be used`
      : `${folder}: ${findings.length - wrong.length} of ${findings.length} checks passed`,
  ].join("\n");
}
