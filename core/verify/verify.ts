/** This folder: checks a finished run and derives it again. Derives everything in a run folder again, and compares. */
import { join } from "node:path";
import {
  armFolder,
  loadRun,
  readTokenizer,
  type Run,
  type RunRecord,
  STAGES,
  tokenizerPath,
  weightsFile,
} from "../record/mod.ts";
import type { Corpus } from "../data/corpus.ts";
import { type Disk, sha256 } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { corpusTokens } from "../data/corpus_tokens.ts";
import { noTestPart } from "../study/one_model.ts";
import { openStage } from "../study/test_part.ts";
import { type Cell, cellsOf } from "../study/cells.ts";
import type { Executor } from "../plan/mod.ts";
import { ARTIFACTS, availableArtifacts } from "../report/mod.ts";
import { testQuality } from "../report/summary.ts";
import type { Finding } from "./checksums.ts";
import { compareMetrics, metricsOf, trainAgain, type Training } from "./train_again.ts";

/** Largest relative difference of a loss between two executors or adapters; on one and the same the bits are compared. */
const OTHER_EXECUTOR = 1e-3;

export interface Means {
  readonly executor: Executor;
  readonly corpus: Corpus;
  /** Executor, adapter and kernels are those of the run record, so that losses must have the same bits. */
  readonly same: boolean;
}

/** True when both records name the same executor, adapter and build. Threads do not change bits. */
export function sameMachine(
  record: Pick<RunRecord, "backend" | "adapter">,
  { backend, adapter }: Pick<RunRecord, "backend" | "adapter">,
): boolean {
  const textOf = ({ threads: _, ...rest }: RunRecord["adapter"]) => JSON.stringify(Object.entries(rest).sort());
  return record.backend === backend && textOf(record.adapter) === textOf(adapter);
}

const bytesOf = (made: Uint8Array | string) => typeof made === "string" ? new TextEncoder().encode(made) : made;

/** Makes every artifact that the run can show once more, and compares the bytes with the file. */
export async function checkArtifacts(disk: Disk, folder: string, run: Run): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of availableArtifacts(run)) {
    const { file, make } = ARTIFACTS[name], path = join(folder, file);
    if (!await disk.stat(path)) {
      findings.push({ what: `${file}, made again`, ok: false, detail: "missing" });
      continue;
    }
    const made = sha256(bytesOf(await make(run))), found = sha256(await disk.read(path));
    findings.push({
      what: `${file}, made again`,
      ok: made === found,
      detail: made === found ? "the same bytes" : `the run gives ${made}, the file is ${found}`,
    });
  }
  return findings;
}

/** Evaluates the stored weights of every stage once more on the validation text, or on the test text where `part` says so. */
export async function checkQualities(
  disk: Disk,
  folder: string,
  { run, part = "validation", ...means }: Means & { run: Run; part?: "validation" | "test" },
): Promise<Finding[]> {
  const { record } = run, { executor } = means, findings: Finding[] = [];
  const tokenizer = await readTokenizer(disk, tokenizerPath(folder, record.study));
  const tokens = await corpusTokens(disk, means.corpus, { tokenizer, rule: record.study }), text = tokens[part];
  tokens.close?.();
  if (!text) throw noTestPart();
  for (const result of run.results) {
    for (const stage of STAGES) {
      const recorded = part === "test" ? testQuality(run, result, stage)?.loss : result.stages[stage]?.final.loss;
      if (recorded === undefined) continue;
      const model = await openStage(result, stage, { disk, folder, executor, record });
      try {
        const { loss } = await model.evaluatePart(text);
        const what = `${result.arm}, seed ${result.seed}, ${stage}: loss${part === "test" ? " on the test part" : ""}`;
        findings.push(compareLosses(what, { recorded, loss, same: means.same }));
      } finally {
        model.release();
      }
    }
  }
  return findings;
}

function compareLosses(
  what: string,
  { recorded, loss, same }: { recorded: number; loss: number; same: boolean },
): Finding {
  const off = Math.abs(loss / recorded - 1);
  return {
    what,
    ok: same ? loss === recorded : off <= OTHER_EXECUTOR,
    detail: `recorded ${recorded}, evaluated again ${loss}${
      same ? "" : ` (another executor or other kernels: within ${OTHER_EXECUTOR})`
    }`,
  };
}

/**
 * Trains the study of a run again in `scratch`, or some cells of it, and compares weights and metrics. `scratch` is removed after.
 * Throws a HymbaError where the executor is another one, and a UsageError when `scratch` holds anything else.
 */
export async function checkTraining(
  disk: Disk,
  folder: string,
  { run, same, cells, ...training }: Omit<Training, "record" | "cells"> & {
    run: Run;
    same: boolean;
    /** Absent: all. */
    cells?: readonly Cell[];
  },
): Promise<Finding[]> {
  const { study, tokenizer: { source } } = run.record;
  if (!same) throw otherMeans(run.record);
  const tokenizer = await readTokenizer(disk, tokenizerPath(folder, study)), { scratch } = training;
  const givenTokenizer = source === undefined ? undefined : { tokenizer, source }, chosen = cells ?? cellsOf(study);
  const first = run.results.every(({ stages }) => !stages.orpo) ? { lastStage: "pretraining" as const } : {};
  const given = { ...training, ...first, record: run.record, cells: chosen, givenTokenizer };
  return await trainAgain(disk, given, async (again) => [
    ...await compareWeights(disk, folder, { run, scratch, cells: chosen }),
    compareMetrics(metricsOf(await loadRun(disk, folder), chosen), metricsOf(again, chosen)),
  ]);
}

/** Training again on another machine shows nothing. */
export const otherMeans = ({ backend, adapter, kernels }: RunRecord): HymbaError =>
  new HymbaError("training again gives the same bits only on the executor, adapter and kernels of the run", {
    expected: `${backend}, ${JSON.stringify(adapter)}, kernels ${kernels ?? "not named"}`,
    hint: "choose them with --backend and --adapter, and use the version of the program that made the run",
  });

async function compareWeights(
  disk: Disk,
  folder: string,
  { run, scratch, cells }: { run: Run; scratch: string; cells: readonly Cell[] },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { arm, seed, stages } of run.results) {
    if (!cells.some((cell) => cell.arm.name === arm && cell.seed === seed)) continue;
    for (const stage of STAGES) {
      if (!stages[stage]) continue;
      const [before, after] = await Promise.all(
        [folder, scratch].map(async (root) =>
          sha256(await disk.read(join(armFolder(root, arm, seed), weightsFile(stage))))
        ),
      );
      const what = `${arm}, seed ${seed}, ${stage}: weights, trained again`;
      findings.push({
        what,
        ok: before === after,
        detail: before !== undefined && before === after ? before : `${before} became ${after}`,
      });
    }
  }
  return findings;
}
