/** All commands by name. Each is loaded when it is needed. */
import type { Parser } from "@optique/core/parser";
import type { Action } from "./ui/run.ts";

export type Command = Parser<"sync", Action, unknown>;

const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  ablate: async () => (await import("./commands/ablate.ts")).ablateCommand,
  runs: async () => (await import("./commands/runs.ts")).runsCommand,
  watch: async () => (await import("./commands/watch.ts")).watchCommand,
  compare: async () => (await import("./commands/compare.ts")).compareCommand,
  clean: async () => (await import("./commands/clean.ts")).cleanCommand,
  sweep: async () => (await import("./commands/sweep.ts")).sweepCommand,
  estimate: async () => (await import("./commands/estimate.ts")).estimateCommand,
  cells: async () => (await import("./commands/cells.ts")).cellsCommand,
  submit: async () => (await import("./commands/submit.ts")).submitCommand,
  array: async () => (await import("./commands/array.ts")).arrayCommand,
  merge: async () => (await import("./commands/merge.ts")).mergeCommand,
  blame: async () => (await import("./commands/blame.ts")).blameCommand,
  init: async () => (await import("./commands/init.ts")).initCommand,
  config: async () => (await import("./commands/config.ts")).configCommand,
  pretrain: async () => (await import("./commands/pretrain.ts")).pretrainCommand,
  orpo: async () => (await import("./commands/orpo.ts")).orpoCommand,
  recall: async () => (await import("./commands/recall.ts")).recallCommand,
  evaluate: async () => (await import("./commands/evaluate.ts")).evaluateCommand,
  generate: async () => (await import("./commands/generate.ts")).generateCommand,
  export: async () => (await import("./commands/export.ts")).exportCommand,
  import: async () => (await import("./commands/import.ts")).importCommand,
  tokenizer: async () => (await import("./commands/tokenizer.ts")).tokenizerCommand,
  plot: async () => (await import("./commands/plot.ts")).plotCommand,
  attention: async () => (await import("./commands/attention.ts")).attentionCommand,
  samples: async () => (await import("./commands/samples.ts")).samplesCommand,
  metrics: async () => (await import("./commands/metrics.ts")).metricsCommand,
  csv: async () => (await import("./commands/csv.ts")).csvCommand,
  power: async () => (await import("./commands/power.ts")).powerCommand,
  slices: async () => (await import("./commands/slices.ts")).slicesCommand,
  lesion: async () => (await import("./commands/lesion.ts")).lesionCommand,
  preference: async () => (await import("./commands/preference.ts")).preferenceCommand,
  report: async () => (await import("./commands/report.ts")).reportCommand,
  serve: async () => (await import("./commands/serve.ts")).serveCommand,
  architecture: async () => (await import("./commands/architecture.ts")).architectureCommand,
  review: async () => (await import("./commands/review.ts")).reviewCommand,
  verify: async () => (await import("./commands/verify.ts")).verifyCommand,
  causality: async () => (await import("./commands/causality.ts")).causalityCommand,
  golden: async () => (await import("./commands/golden.ts")).goldenCommand,
  completions: async () => (await import("./commands/completions.ts")).completionsCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  tune: async () => (await import("./commands/tune.ts")).tuneCommand,
  bench: async () => (await import("./commands/bench.ts")).benchCommand,
};

/** The names of all commands, in the order of the help. */
export const COMMANDS: readonly string[] = Object.keys(LOADERS);

/** The command with this name, if there is one. */
export async function loadCommand(name: string | undefined): Promise<Command | undefined> {
  return name !== undefined && Object.hasOwn(LOADERS, name) ? await LOADERS[name]?.() : undefined;
}

/** All commands, in the order of the help. */
export const loadCommands = (): Promise<Command[]> => Promise.all(Object.values(LOADERS).map((load) => load()));
