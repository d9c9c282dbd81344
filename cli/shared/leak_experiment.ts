/** `hymba causality --leak-experiment DIR`: measures the effect of the documented study's mask on perplexity. */
import { openBackend } from "../../core/backend/mod.ts";
import type { Profile } from "../../core/config/mod.ts";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { leakExperiment, requireSteps } from "../../core/proof/leak_experiment.ts";
import { commandLine } from "../ui/environment.ts";
import { leakChart, leakCsv, leakText } from "../../core/report/leak_report.ts";
import { say } from "../ui/say.ts";
import { A_PICTURE, type NamedFile, requireOwnFiles, writeFilesInto } from "./own_files.ts";

/** How the files begin. */
const STARTS = { csv: /^model,step,train_loss_nats,/, text: /^The same hybrid \(/ };

/** The files, which are checked before the training so that no training is wasted. */
const filesOf = (csv: string, text: string, picture: Uint8Array): NamedFile[] => [
  ["leak.csv", csv, STARTS.csv],
  ["leak.txt", text, STARTS.text],
  ["leak.png", picture],
];

type Backend = Omit<Parameters<typeof openBackend>[0], "onProgress">;

export async function showLeak(
  folder: string,
  { steps, data, profile, ...backend }: Backend & {
    steps: number;
    data: string | undefined;
    profile: Profile | undefined;
  },
): Promise<void> {
  requireSteps(steps);
  await requireOwnFiles(systemDisk, folder, filesOf("", "", A_PICTURE));
  const onProgress = say;
  const corpus = await resolveCorpus({ data, onProgress });
  const { executor } = await openBackend({ ...backend, onProgress });
  try {
    const result = await leakExperiment(executor, { corpus, steps, profile, onProgress });
    const text = leakText(result, { command: commandLine() });
    await writeFilesInto(folder, filesOf(leakCsv(result), text, await leakChart(result)));
    console.log(text);
  } finally {
    await executor.close();
  }
}
