/** `hymba verify`: everything in a run folder, derived again and compared. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { join } from "node:path";
import { openBackend } from "../../core/backend/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { loadRun, readRecord } from "../../core/record/mod.ts";
import { checkChecksums, CHECKSUMS, type Finding } from "../../core/verify/checksums.ts";
import { checkArtifacts, checkQualities, checkTraining, sameMachine } from "../../core/verify/verify.ts";
import type { Action } from "../ui/run.ts";
import { corpusOf } from "../shared/corpus_of_run.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { dataOption } from "../shared/study.ts";

const options = merge(
  object({
    run: runArgument,
    retrain: option("--retrain", { description: message`train everything again, too` }),
    data: dataOption,
    json: jsonOption,
  }),
  backendOptions,
);

export const verifyCommand = command("verify", map(options, (given): Action => () => verify(given)), {
  brief: message`checks every file of a run, and derives every number again`,
  description:
    message`Compares all checksums, makes every artifact again, evaluates all weights again and, with --retrain, trains again. Exit code 1 when anything differs. Example: hymba verify results/runs/quick-tinyshakespeare`,
});

const onProgress = (line: string) => console.error(line);

async function verify({ run, retrain, data, json, ...backend }: InferValue<typeof options>): Promise<void> {
  const folder = await folderOf(run);
  // A run without a list of checksums is told as such below; a folder that never was one is another matter.
  if (!await systemDisk.stat(join(folder, CHECKSUMS))) await readRecord(systemDisk, folder);
  const findings = await checkChecksums(systemDisk, folder);
  // A damaged file makes readers fail in their own words; what the checksums say of it is clearer.
  if (findings.every(({ ok }) => ok)) findings.push(...await derive(folder, { retrain, data, backend }));
  if (json) console.log(JSON.stringify({ run: folder, findings }));
  else console.log(described(folder, findings));
  if (findings.some(({ ok }) => !ok)) Deno.exitCode = 1;
}

async function derive(
  folder: string,
  { retrain, data, backend }: { retrain: boolean; data?: string; backend: Parameters<typeof openBackend>[0] },
): Promise<Finding[]> {
  const loaded = await loadRun(systemDisk, folder), findings = await checkArtifacts(systemDisk, folder, loaded);
  const corpus = await corpusOf(loaded.record, { data, onProgress });
  const opened = await openBackend({ ...backend, onProgress });
  try {
    const means = { executor: opened.executor, corpus, same: sameMachine(loaded.record, opened), run: loaded };
    findings.push(...await checkQualities(systemDisk, folder, means));
    if (retrain) {
      const scratch = `${folder}.verify`;
      findings.push(...await checkTraining(systemDisk, folder, { ...means, scratch }));
    }
    return findings;
  } finally {
    await opened.executor.close();
  }
}

function described(folder: string, findings: readonly Finding[]): string {
  const wrong = findings.filter(({ ok }) => !ok);
  const lines = wrong.map(({ what, detail }) => `differs  ${what}: ${detail}`);
  const derived = findings.filter(({ what }) => /again|: loss/.test(what)).map(({ what, ok, detail }) =>
    ok ? `same     ${what}: ${detail}` : ""
  );
  return [
    ...derived.filter(Boolean),
    ...findings.filter(({ detail }) => detail.startsWith("not of this run")).map(({ what }) =>
      `other    ${what}: not of this run`
    ),
    ...lines,
    `${folder}: ${findings.length - wrong.length} of ${findings.length} checks passed`,
  ].join("\n");
}
