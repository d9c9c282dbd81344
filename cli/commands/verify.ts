/** `hymba verify`: recomputes everything in a run folder and compares it. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { join } from "node:path";
import { otherKernels } from "../../core/backend/kernels_hash.ts";
import { openBackend } from "../../core/backend/mod.ts";
import { systemDisk, temporaryName } from "../../core/disk/mod.ts";
import { type ArmTest, FILES, loadRun, readRecord, STAGES } from "../../core/record/mod.ts";
import { checkTestPart } from "../../core/verify/check_test_part.ts";
import { checkTokenizer } from "../../core/verify/check_tokenizer.ts";
import { checkChecksums, CHECKSUMS, type Finding } from "../../core/verify/checksums.ts";
import { checkArtifacts, checkQualities, checkTraining, sameMachine } from "../../core/verify/verify.ts";
import type { Action } from "../ui/run.ts";
import { corpusOf, type RunTexts } from "../shared/corpus_of_run.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { runTextOptions } from "../shared/study.ts";
import { noteReading } from "../shared/test_reading.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object({
    run: runArgument,
    retrain: option("--retrain", { description: message`also repeat the training` }),
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
    message`Compares all checksums, makes every artifact again, evaluates all weights again and, with --retrain, repeats the training. Exit code 1 when anything differs. Example: hymba verify results/runs/quick-tinyshakespeare`,
});

const onProgress = say;

async function verify(
  { run, retrain, test, data, validationData, testData, json, ...backend }: InferValue<typeof options>,
): Promise<void> {
  const folder = await folderOf(run);
  if (!await systemDisk.stat(join(folder, CHECKSUMS))) {
    // Without checksums this must at least be a run. A run without checksums is a finding below.
    await readRecord(systemDisk, folder);
    if (!await systemDisk.stat(join(folder, FILES.arms))) return weightsNotHere(folder, { json });
  }
  const findings = await checkChecksums(systemDisk, folder);
  // A wrong checksum is a clearer message than the parse error of a damaged file.
  if (findings.every(({ ok }) => ok)) {
    findings.push(...await derive(folder, { retrain, test, texts: { data, validationData, testData }, backend }));
  }
  if (json) printJson("verify", { run: folder, findings });
  else console.log(described(folder, findings));
  if (findings.some(({ ok }) => !ok)) Deno.exitCode = 1;
}

/** Says that a published result cannot be checked, because the folder has only the record and the artifacts. Exit code 1. */
function weightsNotHere(folder: string, { json }: { json: boolean }): void {
  const note =
    "weights not here: the folder has only the record and artifacts of a run, so they cannot be derived again";
  if (json) printJson("verify", { run: folder, findings: [], note });
  else console.log(`${folder}: ${note}`);
  Deno.exitCode = 1;
}

/** Recomputes artifacts and losses, and with `retrain` the weights, and compares them with the run. */
async function derive(
  folder: string,
  { retrain, test, texts, backend }: {
    retrain: boolean;
    test: boolean;
    texts: RunTexts;
    backend: Parameters<typeof openBackend>[0];
  },
): Promise<Finding[]> {
  const loaded = await loadRun(systemDisk, folder), findings = await checkArtifacts(systemDisk, folder, loaded);
  findings.push(...checkTestPart(loaded));
  const other = await otherKernels(systemDisk, loaded.record);
  if (other) onProgress(`note: ${folder}: ${other}`);
  const corpus = await corpusOf(loaded.record, { ...texts, onProgress });
  findings.push(...await checkTokenizer(systemDisk, folder, { record: loaded.record, corpus }));
  const opened = await openBackend({ ...backend, onProgress });
  // An older record has no hash of its kernels; then the bits are compared.
  const sameKernels = loaded.record.kernels === undefined || other === undefined;
  try {
    const means = {
      executor: opened.executor,
      corpus,
      same: sameMachine(loaded.record, opened) && sameKernels,
      run: loaded,
    };
    findings.push(...await checkQualities(systemDisk, folder, means));
    if (test) {
      await noteReading(folder, { by: "verify", models: loaded.test?.results.map(modelOf) ?? [] });
      findings.push(...await checkQualities(systemDisk, folder, { ...means, part: "test" }));
    }
    if (retrain) {
      const scratch = temporaryName(`${folder}.verify`);
      findings.push(...await checkTraining(systemDisk, folder, { ...means, scratch }));
    }
    return findings;
  } finally {
    await opened.executor.close();
  }
}

const modelOf = ({ arm, seed, stages }: ArmTest) => ({ arm, seed, stages: STAGES.filter((stage) => stages[stage]) });

function described(folder: string, findings: readonly Finding[]): string {
  const wrong = findings.filter(({ ok }) => !ok);
  const same = findings.filter(({ what, ok }) => ok && /again|: loss/.test(what));
  const others = findings.filter(({ detail }) => detail.startsWith("not of this run"));
  return [
    ...same.map(({ what, detail }) => `same     ${what}: ${detail}`),
    ...others.map(({ what }) => `other    ${what}: not of this run`),
    ...wrong.map(({ what, detail }) => `differs  ${what}: ${detail}`),
    `${folder}: ${findings.length - wrong.length} of ${findings.length} checks passed`,
  ].join("\n");
}
