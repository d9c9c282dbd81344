/** The table of results of a run, for the terminal. */
import { type Run, studyLabel } from "../../core/record/mod.ts";
import { withoutBranches } from "../../core/report/branches.ts";
import { table } from "./table.ts";
import { testQuality } from "../../core/report/summary.ts";
import { NOT_MEASURABLE, type SpeedKind, steadySpeed } from "../../core/report/speeds.ts";

const headOf = ({ test }: Run): string[] => [
  ...["model", "pretrain PPL", "ORPO PPL", "beta=0 PPL", ...(test ? ["test PPL"] : [])],
  ...["bits/byte", "pref. acc.", "params M", "KV", "train tok/s", "gen tok/s"],
];

export function summaryTable(whole: Run): string {
  const run = withoutBranches(whole), { record, results } = run;
  const number = (x: number | undefined, digits = 2) => x === undefined ? "" : x.toFixed(digits);
  const speed = (arm: string, kind: SpeedKind) => {
    const found = steadySpeed(run, arm, kind);
    return found ? String(Math.round(found.mean)) : run.speeds ? NOT_MEASURABLE : "";
  };
  const rows = results.map(({ arm, seed, parameters, stages, cache }) => {
    const { pretraining, orpo, control } = stages;
    return [
      record.study.seeds.length > 1 ? `${arm} (${seed})` : arm,
      number(pretraining?.final.perplexity),
      number(orpo?.final.perplexity),
      number(control?.final.perplexity),
      ...(run.test ? [number(testQuality(run, { arm, seed }, orpo ? "orpo" : "pretraining")?.perplexity)] : []),
      number(orpo?.final.bitsPerByte, 3),
      number(orpo?.preference?.after.accuracy, 3),
      (parameters / 1e6).toFixed(3),
      `${cache.layerRatio.toFixed(2)}x`,
      speed(arm, "training"),
      speed(arm, "generation"),
    ];
  });
  const { unigram, bigram } = record.baselines;
  const baseline = (
    name: string,
    { perplexity, bitsPerByte }: typeof unigram,
  ) => [name, number(perplexity), "", "", ...(run.test ? [""] : []), number(bitsPerByte, 3), "", "", "", "", ""];
  return `${studyLabel(record).words} on ${record.corpus.name}, ${record.backend} (${record.adapter.name})\n${
    table([headOf(run), ...rows, baseline("unigram", unigram), baseline("bigram", bigram)])
  }`;
}
