/** Derives everything in a run folder again, and compares. */
import { join } from "node:path";
import {
  armFolder,
  FILES,
  loadRun,
  readTokenizer,
  type Run,
  type RunRecord,
  STAGES,
  tokenizerPath,
  weightsFile,
} from "../record/mod.ts";
import type { Corpus } from "../data/corpus.ts";
import { type Disk, removeTree, sha256 } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { corpusTokens } from "../data/corpus_tokens.ts";
import { noTestPart } from "../study/one_model.ts";
import { openStage } from "../study/test_part.ts";
import { runStudy } from "../study/study.ts";
import type { Executor } from "../plan/mod.ts";
import { ARTIFACTS, availableArtifacts } from "../report/mod.ts";
import { testQuality } from "../report/summary.ts";
import type { Finding } from "./checksums.ts";

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

/** Lines of the metrics log without measured times. */
const timeless = ({ metrics }: Run) =>
  metrics.map((line) => JSON.stringify(line, (key, value) => key === "tokens_per_s" ? undefined : value));

/**
 * Trains the whole study again in `scratch`, which is removed after, and compares weights and metrics with the run. Throws a
 * UsageError when `scratch` holds anything else.
 */
export async function checkTraining(
  disk: Disk,
  folder: string,
  { run, scratch, onEvent, signal, ...means }: Means & {
    run: Run;
    scratch: string;
    signal?: AbortSignal;
    onEvent?: Parameters<typeof runStudy>[1]["onEvent"];
  },
): Promise<Finding[]> {
  if (!means.same) throw otherMeans(run);
  const { study, versions, backend, adapter, tiles, command } = run.record,
    environment = { versions, backend, adapter, ...(tiles && { tiles }), command };
  const tokenizer = await readTokenizer(disk, tokenizerPath(folder, study)), { source } = run.record.tokenizer;
  const givenTokenizer = source === undefined ? undefined : { tokenizer, source };
  const remove = async () => {
    if (await disk.stat(scratch)) await removeTree(disk, scratch);
  };
  const { executor, corpus } = means;
  const again = await runStudy(
    study,
    { executor, corpus, disk, folder: scratch, environment, givenTokenizer, onEvent, signal },
  ).catch(async (error) => {
    // A UsageError says that the folder is not a run.
    if (!(error instanceof UsageError)) await remove();
    throw error;
  });
  try {
    const findings = await compareWeights(disk, folder, { run, scratch });
    return [...findings, compareMetrics(await loadRun(disk, folder), again)];
  } finally {
    await remove();
  }
}

const otherMeans = ({ record: { backend, adapter, kernels } }: Run) =>
  new HymbaError("training again gives the same bits only on the executor, adapter and kernels of the run", {
    expected: `${backend}, ${JSON.stringify(adapter)}, kernels ${kernels ?? "not named"}`,
    hint: "choose them with --backend and --adapter, and use the version of the program that made the run",
  });

function compareMetrics(run: Run, again: Run): Finding {
  const first = timeless(run), second = timeless(again);
  const at = first.findIndex((line, i) => line !== second[i]), ok = at < 0 && first.length === second.length;
  const detail = ok
    ? `${first.length} lines equal but for speeds`
    : `line ${at < 0 ? second.length + 1 : at + 1} differs`;
  return { what: `${FILES.metrics}, trained again`, ok, detail };
}

async function compareWeights(disk: Disk, folder: string, { run, scratch }: { run: Run; scratch: string }) {
  const findings: Finding[] = [];
  for (const { arm, seed, stages } of run.results) {
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
