/** `hymba merge`: one run of the cells of a study. */
import { join } from "node:path";
import { merge as together, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { openBackend } from "../../core/backend/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { FILES, loadRun, type Run } from "../../core/record/mod.ts";
import { gather, type Merged, mergeRuns } from "../../core/study/merge/mod.ts";
import { checkChecksums } from "../../core/verify/checksums.ts";
import type { Action } from "../ui/run.ts";
import { commandLine } from "../ui/environment.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { corpusOf } from "../shared/corpus_of_run.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import {
  noteOtherKernels,
  runTextOptions,
  runWithRestarts,
  summaryAndPaths,
  writeEverything,
} from "../shared/study.ts";
import { runName, word } from "../shared/value_parsers.ts";
import { printJson } from "../ui/output.ts";

const options = together(
  object("The runs", {
    runs: multiple(
      argument(runName(), {
        description: message`a run of cells, or a folder with such runs in it`,
      }),
      { min: 1 },
    ),
    out: optional(
      option("--out", word("DIR"), {
        description: message`the merged run; by default the folder merged inside a single RUN`,
      }),
    ),
    json: jsonOption,
  }),
  runTextOptions,
  backendOptions,
);

type Given = InferValue<typeof options>;

export const mergeCommand = command("merge", map(options, (given): Action => () => mergeInto(given)), {
  brief: message`one run of the cells that hymba ablate --cell made`,
  description:
    message`Puts the finished cells of a study into one run, with the same bytes as from one machine (except times and speeds). When no cell is missing, it also does the measurements at the end of a study and writes every artifact. The same command can be repeated at any time. Exits with 1 while cells are missing. Example: hymba merge results/runs/smoke-book-cells`,
});

/** The folder of the merged run. For several runs it must be given. */
async function targetOf({ runs: [first = "", ...others], out }: Given): Promise<string> {
  if (out !== undefined) return out;
  if (others.length === 0 && !await systemDisk.stat(join(first, FILES.record))) return join(first, "merged");
  throw new UsageError("the merged run needs a folder", {
    expected: "--out DIR, or one folder that has the runs of all cells in it",
    got: [first, ...others].join(" "),
  });
}

/** Throws a HymbaError if a file of a finished source was changed. */
async function requireSound(paths: readonly string[], out: string): Promise<void> {
  for (const { folder } of (await gather(systemDisk, paths, { out })).sources) {
    if (!await systemDisk.stat(join(folder, FILES.checksums))) continue;
    const wrong = (await checkChecksums(systemDisk, folder)).filter(({ ok }) => !ok);
    if (wrong.length === 0) continue;
    const { what, detail } = at(wrong, 0), more = wrong.length > 1 ? `, and ${wrong.length - 1} more` : "";
    throw new HymbaError(`${folder} has changed since it was finished`, {
      got: `${what}: ${detail}${more}`,
      hint: "copy this folder again, or run its cell again in a new folder",
    });
  }
}

const missingInWords = ({ missing }: Merged): string =>
  missing.map(({ index, arm, seed }) => `missing: cell ${index} (${arm.name}, seed ${seed})`).join("\n");

/** Does the measurements at the end of a study, by default on the executor of the cells. */
async function finish(
  folder: string,
  { record }: Merged,
  { data, validationData, testData, ...where }: Given,
): Promise<Run> {
  const display = new StudyDisplay(), onProgress = (line: string) => display.say(line);
  const backend = where.backend ?? record.backend;
  const adapter = where.adapter ?? (backend === "webgpu" ? String(record.adapter.name) : undefined);
  const { tensorCores } = record.study;
  const opened = await openBackend({ backend, adapter, threads: where.threads, tensorCores, onProgress });
  try {
    await noteOtherKernels(folder, onProgress);
    const corpus = await corpusOf(record, { data, validationData, testData, onProgress }), { study } = record;
    return await runWithRestarts({ study, opened, corpus, folder, display, probe: true });
  } finally {
    await opened.executor.close();
  }
}

async function mergeInto(given: Given): Promise<void> {
  const { runs, json } = given, folder = await targetOf(given);
  await requireSound(runs, folder);
  const merged = await mergeRuns(systemDisk, runs, { out: folder, by: commandLine() }), { missing } = merged;
  const run = missing.length === 0 ? await finish(folder, merged, given) : await loadRun(systemDisk, folder);
  const artifacts = run.results.length > 0 ? await writeEverything(folder, run) : [];
  if (json) {
    const cells = missing.map(({ index, arm, seed }) => ({ index, arm: arm.name, seed }));
    printJson("merge", { folder, missing: cells, artifacts, results: run.results });
  } else {
    console.log(artifacts.length > 0 ? summaryAndPaths(run, artifacts) : `${folder} has no finished cell yet`);
    if (missing.length > 0) console.log(missingInWords(merged));
  }
  if (missing.length > 0 || run.results.length < merged.found.length) Deno.exitCode = 1;
}
