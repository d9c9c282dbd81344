/** Trains a published result again. It has the record and the tables of a run, but no weights that could be evaluated. */
import { join } from "node:path";
import { corpusTokens } from "../data/corpus_tokens.ts";
import { type Disk, MAX_JSON, readText } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { FILES, loadRun, readTokenizer, type Run, type RunRecord, tokenizerPath } from "../record/mod.ts";
import { ARTIFACTS } from "../report/mod.ts";
import { csvRecords } from "../report/csv_rows.ts";
import type { Cell } from "../study/cells.ts";
import { differences } from "../study/json_differences.ts";
import { readTestPart } from "../study/test_part.ts";
import type { Finding } from "./checksums.ts";
import { compareMetrics, metricsOf, trainAgain, type Training } from "./train_again.ts";

/** Largest table that is read (characters). */
const MOST_TABLE = 16 * MAX_JSON;

/** Columns that say how fast it was and what it needed, or only name the study. They depend on the machine and the version. */
const NOT_COMPARED = /_s$|_bytes$|_ratio$|^(corpus|preset|model|seed)$/;

/** The rows of ablation_results.csv by model and seed. */
function rowsOf(table: string): Map<string, Map<string, string>> {
  return new Map(csvRecords(table).map((row) => [`${row.get("model")} ${row.get("seed")}`, row]));
}

async function publishedRows(disk: Disk, folder: string) {
  const path = join(folder, ARTIFACTS.csv.file), found = await disk.stat(path);
  if (found?.kind !== "file") {
    throw new UsageError(`${folder} has no ${ARTIFACTS.csv.file}`, {
      expected: "the table of the published numbers, to compare them with",
    });
  }
  if (found.bytes > MOST_TABLE) {
    throw new HymbaError(`${path} is too large`, {
      expected: `at most ${MOST_TABLE} bytes`,
      got: `${found.bytes} bytes`,
    });
  }
  return rowsOf(await readText(disk, path));
}

/** What the record says of the text, the tokenizer and the baselines, against what they are now. */
function compareRecords(published: RunRecord, again: RunRecord): Finding {
  const of = ({ corpus: { sha256 }, tokenizer, data, baselines }: RunRecord) => ({
    corpus: { sha256 },
    tokenizer,
    data,
    baselines,
  });
  const found = differences(of(published), of(again), { words: ["published", "now"] });
  return {
    what: `${FILES.record}: text, tokenizer, tokens and baselines, made again`,
    ok: found.length === 0,
    detail: found.length === 0 ? "the same" : found.join("; "),
  };
}

/** The numbers of one cell, column by column. `note` says why they may differ. */
function compareRow(
  { arm, seed }: Cell,
  { published, again, note }: {
    published: Map<string, string> | undefined;
    again: Map<string, string> | undefined;
    note: string | undefined;
  },
): Finding {
  const what = `${arm.name}, seed ${seed}, trained again`;
  if (!published) return { what, ok: false, detail: `${ARTIFACTS.csv.file} has no row of it` };
  if (!again) return { what, ok: false, detail: "it diverged" };
  const shared = [...again].filter(([name]) => published.has(name) && !NOT_COMPARED.test(name));
  const made = shared.filter(([name, value]) => value !== "" || published.get(name) !== "");
  const wrong = made.filter(([name, value]) => value !== published.get(name));
  if (wrong.length === 0) return { what, ok: true, detail: `${made.length} numbers of ${ARTIFACTS.csv.file} equal` };
  const shown = wrong.slice(0, 2).map(([name, value]) =>
    `${name} is ${published.get(name) || "empty"}, became ${value}`
  );
  const rest = `${wrong.length} of ${made.length} numbers differ: ${shown.join("; ")}`;
  return { what, ok: false, detail: note ? `${rest} (${note})` : rest };
}

/** The log's lines of the cells, where the log was published. */
async function compareLogs(
  disk: Disk,
  folder: string,
  { again, cells }: { again: Run; cells: readonly Cell[] },
): Promise<Finding[]> {
  if (!await disk.stat(join(folder, FILES.metrics))) return [];
  return [compareMetrics(metricsOf(await loadRun(disk, folder), cells), metricsOf(again, cells))];
}

function requireOwnTokenizer({ study, tokenizer: { source } }: RunRecord): void {
  if (source === undefined || study.tokenizer === "bytes") return;
  throw new UsageError(`the published study had the tokenizer ${JSON.stringify(source)}, which is not here`, {
    hint: "repeat the study with hymba ablate --tokenizer FILE, and compare the tables",
  });
}

/**
 * Trains cells of a published result again in `scratch`, which is removed after, and compares every number of them. `test` also
 * evaluates the test part. `note`: why the numbers may differ, such as other kernels.
 */
export async function checkPublished(
  disk: Disk,
  folder: string,
  { note, test, ...training }: Training & { note?: string; test: boolean },
): Promise<Finding[]> {
  const { record, cells, scratch, executor, corpus } = training;
  requireOwnTokenizer(record);
  const published = await publishedRows(disk, folder);
  const first = [...published.values()].every((row) => !row.get("orpo_steps"))
    ? { lastStage: "pretraining" as const }
    : {};
  return await trainAgain(disk, { ...training, ...first }, async (trained) => {
    if (test) {
      const tokenizer = await readTokenizer(disk, tokenizerPath(scratch, record.study));
      const tokens = await corpusTokens(disk, corpus, { tokenizer, rule: record.study }), { command } = record;
      await readTestPart(record.study, { disk, folder: scratch, executor, record, tokens, command });
      tokens.close?.();
    }
    const again = test ? await loadRun(disk, scratch) : trained;
    const rows = rowsOf(await tableOf(again)), findings = [compareRecords(record, again.record)];
    for (const cell of cells) {
      const key = `${cell.arm.name} ${cell.seed}`;
      findings.push(compareRow(cell, { published: published.get(key), again: rows.get(key), note }));
    }
    return [...findings, ...await compareLogs(disk, folder, { again, cells })];
  });
}

async function tableOf(run: Run): Promise<string> {
  const made = await ARTIFACTS.csv.make(run);
  return typeof made === "string" ? made : new TextDecoder().decode(made);
}
