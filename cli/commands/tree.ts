/** The command tree: every command by name, each loaded when it is asked for. */
import type { Parser } from "@optique/core/parser";
import type { Action } from "../ui/run.ts";

export type Command = Parser<"sync", Action, unknown>;

const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  ablate: async () => (await import("./ablate.ts")).ablateCommand,
  pretrain: async () => (await import("./pretrain.ts")).pretrainCommand,
  orpo: async () => (await import("./orpo.ts")).orpoCommand,
  recall: async () => (await import("./recall.ts")).recallCommand,
  evaluate: async () => (await import("./evaluate.ts")).evaluateCommand,
  generate: async () => (await import("./generate.ts")).generateCommand,
  tokenizer: async () => (await import("./tokenizer.ts")).tokenizerCommand,
  plot: async () => (await import("./plot.ts")).plotCommand,
  attention: async () => (await import("./attention.ts")).attentionCommand,
  samples: async () => (await import("./samples.ts")).samplesCommand,
  metrics: async () => (await import("./metrics.ts")).metricsCommand,
  csv: async () => (await import("./csv.ts")).csvCommand,
  report: async () => (await import("./report.ts")).reportCommand,
  architecture: async () => (await import("./architecture.ts")).architectureCommand,
  review: async () => (await import("./review.ts")).reviewCommand,
  verify: async () => (await import("./verify.ts")).verifyCommand,
  causality: async () => (await import("./causality.ts")).causalityCommand,
  golden: async () => (await import("./golden.ts")).goldenCommand,
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
  tune: async () => (await import("./tune.ts")).tuneCommand,
  bench: async () => (await import("./bench.ts")).benchCommand,
};

/** The command of that name, or undefined where there is none. */
export async function loadCommand(name: string | undefined): Promise<Command | undefined> {
  return name !== undefined && Object.hasOwn(LOADERS, name) ? await LOADERS[name]!() : undefined;
}

/** All commands, in the order of the help. */
export const loadCommands = (): Promise<Command[]> => Promise.all(Object.values(LOADERS).map((load) => load()));
