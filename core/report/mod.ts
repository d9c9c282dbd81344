/** Figures, tables and documents of a study. All of them are pure functions of a {@link Run}; writeArtifacts saves them. */
export { ablationChart } from "./ablation_chart.ts";
export {
  type Artifact,
  type ArtifactName,
  ARTIFACTS,
  availableArtifacts,
  makeArtifact,
  writeArtifact,
  writeArtifacts,
} from "./artifacts.ts";
export { attentionChart, promptAttentionChart } from "./attention_chart.ts";
export { csvOf } from "./csv.ts";
export { findings, verdict } from "./findings.ts";
export { metricsTables, metricsText } from "./metrics.ts";
export type { MetricsTable } from "./text_table.ts";
export { samplesText } from "./samples.ts";
export { stagesChart } from "./stages_chart.ts";
export { type Column, tableLines } from "./text_table.ts";
export { architectureDocument } from "./architecture/mod.ts";
export { overviewDocument, overviewPng, overviewSvg } from "./architecture/overview.ts";
export { architecturePng, architectureSvg } from "./architecture/poster.ts";
export { reportPage } from "./page.ts";
export { reviewDocument } from "./review/mod.ts";
export * from "./sweep_chart.ts";
export * from "./sweep_report.ts";
export * from "./blame.ts";
export * from "./blame_chart.ts";
export { footerOf } from "./caption.ts";
