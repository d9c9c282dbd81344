/**
 * This folder: every artifact of a run, such as tables, figures, texts and pages.
 * The artifacts of a run: their names, how each is made, and writing them into the run's folder.
 */
import { join } from "node:path";
import type { Run, StageName } from "../record/mod.ts";
import { type Disk, writeAtomic } from "../disk/mod.ts";
import { ablationChart } from "./ablation_chart.ts";
import { hasBranches, withoutBranches } from "./branches.ts";
import { budgetsCsv } from "./budgets.ts";
import { budgetsChart } from "./budgets_chart.ts";
import { attentionChangeChart, attentionChanges } from "./attention_change.ts";
import { attentionChart } from "./attention_chart.ts";
import { comparisonChart, hasComparisons } from "./comparison_chart.ts";
import { comparisonsCsv, csvOf, preferenceCsv } from "./csv.ts";
import { equalCostsCsv } from "./equal_costs.ts";
import { frontierChart, frontierCsv } from "./frontier.ts";
import { metricsText } from "./metrics.ts";
import { reportPage } from "./page.ts";
import { probeOf, recallChart, recallCsv } from "./recall.ts";
import { samplesText } from "./samples.ts";
import { stagesChart } from "./stages_chart.ts";

/** One file that is made from a run. */
export interface Artifact {
  readonly file: string;
  make(run: Run): Promise<Uint8Array | string> | string;
}

/** Makes an artifact from only the longest training of each model. */
const main = <T>(make: (run: Run) => T) => (run: Run): T => make(withoutBranches(run));

const maps = (stage: StageName): Artifact => ({
  file: `hymba_attention_${stage}.png`,
  make: (run) => attentionChart(run, stage),
});

/** All artifacts by name. */
export const ARTIFACTS = {
  csv: { file: "ablation_results.csv", make: csvOf },
  comparisons: { file: "comparisons.csv", make: main(comparisonsCsv) },
  preference: { file: "preference.csv", make: main(preferenceCsv) },
  metrics: { file: "detailed_metrics.txt", make: metricsText },
  samples: { file: "generation_samples.txt", make: main(samplesText) },
  ablation: { file: "ablation_results.png", make: main(ablationChart) },
  stages: { file: "training_stages_comparison.png", make: main(stagesChart) },
  intervals: { file: "comparisons.png", make: main(comparisonChart) },
  attentionPretraining: maps("pretraining"),
  attentionOrpo: maps("orpo"),
  attentionChange: { file: "hymba_attention_change.png", make: attentionChangeChart },
  recall: { file: "recall.png", make: (run: Run) => recallChart(probeOf(run)) },
  recallCsv: { file: "recall.csv", make: (run: Run) => recallCsv(probeOf(run)) },
  budgets: { file: "budgets.png", make: budgetsChart },
  equalCosts: { file: "equal_costs.csv", make: equalCostsCsv },
  budgetsCsv: { file: "budgets.csv", make: budgetsCsv },
  frontier: { file: "frontier.png", make: frontierChart },
  frontierCsv: { file: "frontier.csv", make: frontierCsv },
  report: { file: "report.html", make: (run: Run) => reportPage(run) },
} as const satisfies Record<string, Artifact>;

/** The name of an artifact. */
export type ArtifactName = keyof typeof ARTIFACTS;

/** The artifacts that can be made from a run. Attention maps, recall and intervals need data that not every run has. */
export function availableArtifacts(run: Run): ArtifactName[] {
  const { attention, recall } = run;
  const shown: Partial<Record<ArtifactName, boolean>> = {
    attentionPretraining: (attention.pretraining?.length ?? 0) > 0,
    attentionOrpo: (attention.orpo?.length ?? 0) > 0,
    attentionChange: attentionChanges(run).length > 0,
    intervals: hasComparisons(withoutBranches(run)),
    equalCosts: hasBranches(run),
    recall: recall.length > 0,
    recallCsv: recall.length > 0,
    frontier: run.record.study.suite === "frontier",
    frontierCsv: run.record.study.suite === "frontier",
  };
  return (Object.keys(ARTIFACTS) as ArtifactName[]).filter((name) => shown[name] ?? true);
}

/** The name of the file of one artifact, and its content. Throws a HymbaError when the run lacks its data. */
export async function makeArtifact(run: Run, name: ArtifactName): Promise<readonly [string, Uint8Array | string]> {
  const { file, make } = ARTIFACTS[name];
  return [file, await make(run)];
}

/** Makes one artifact and writes it atomically into `folder`. Returns its path. Throws a HymbaError when the run lacks its data. */
export async function writeArtifact(
  disk: Disk,
  folder: string,
  { run, name }: { run: Run; name: ArtifactName },
): Promise<string> {
  const [file, content] = await makeArtifact(run, name), path = join(folder, file);
  await writeAtomic(disk, path, content);
  return path;
}

/** Writes all artifacts that can be made from the run into `folder`, each atomically. Returns their paths. */
export async function writeArtifacts(disk: Disk, folder: string, run: Run): Promise<string[]> {
  const paths: string[] = [];
  for (const name of availableArtifacts(run)) paths.push(await writeArtifact(disk, folder, { run, name }));
  return paths;
}
