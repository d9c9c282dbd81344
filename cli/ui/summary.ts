/** The table of results of a run, for the terminal. */
import { type Run, studyLabel } from "../../core/record/mod.ts";
import { withoutBranches } from "../../core/report/branches.ts";
import { table } from "./table.ts";
import { testQuality } from "../../core/report/summary.ts";
import { NOT_MEASURABLE, type SpeedKind, steadySpeed } from "../../core/report/speeds.ts";

const HEAD = [
  "model",
  "pretrain PPL",
  "ORPO PPL",
  "beta=0 PPL",
  "bits/byte",
  "pref. acc.",
  "test PPL",
  "params M",
  "KV",
  "train tok/s",
  "gen tok/s",
];

const number = (x: number | undefined, digits = 2) => x === undefined ? "" : x.toFixed(digits);

/** The cells of one model with one seed; empty where the run has no such number. */
function cellsOf(run: Run, { arm, seed, parameters, stages, cache }: Run["results"][number]): string[] {
  const { pretraining, orpo, control } = stages;
  const speed = (kind: SpeedKind) => {
    const found = steadySpeed(run, arm, kind);
    return found ? String(Math.round(found.mean)) : run.speeds ? NOT_MEASURABLE : "";
  };
  return [
    run.record.study.seeds.length > 1 ? `${arm} (${seed})` : arm,
    number(pretraining?.final.perplexity),
    number(orpo?.final.perplexity),
    number(control?.final.perplexity),
    number((orpo ?? pretraining)?.final.bitsPerByte, 3),
    number(orpo?.preference?.after.accuracy, 3),
    number(run.test && testQuality(run, { arm, seed }, orpo ? "orpo" : "pretraining")?.perplexity),
    (parameters / 1e6).toFixed(3),
    cache.byteRatio ? `${cache.layerRatio.toFixed(2)}x` : "",
    speed("training"),
    speed("generation"),
  ];
}

/** The table; columns that no model has a number for are left out. */
export function summaryTable(whole: Run): string {
  const run = withoutBranches(whole), { record, results } = run, rows = results.map((result) => cellsOf(run, result));
  const { unigram, bigram } = record.baselines;
  const baseline = (
    name: string,
    { perplexity, bitsPerByte }: typeof unigram,
  ) => [name, number(perplexity), "", "", number(bitsPerByte, 3)];
  const all = [...rows, baseline("unigram", unigram), baseline("bigram", bigram)];
  const shown = HEAD.map((_, column) => rows.some((row) => row[column]));
  const kept = [HEAD, ...all].map((row) => HEAD.flatMap((_, column) => shown[column] ? [row[column] ?? ""] : []));
  return `${studyLabel(record).words} on ${record.corpus.name}, ${record.backend} (${record.adapter.name})\n${
    table(kept)
  }`;
}
