/** `hymba causality --leak-experiment DIR`: measures the effect of the documented study's mask on perplexity. */
import { join } from "node:path";
import { openBackend } from "../../core/backend/mod.ts";
import type { Profile } from "../../core/config/mod.ts";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { leakExperiment, requireSteps } from "../../core/proof/leak_experiment.ts";
import { commandLine } from "../ui/environment.ts";
import { leakChart, leakCsv, leakText } from "../../core/report/leak_report.ts";
import { say } from "../ui/say.ts";

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
  const onProgress = say;
  const corpus = await resolveCorpus({ data, onProgress });
  const { executor } = await openBackend({ ...backend, onProgress });
  try {
    const result = await leakExperiment(executor, { corpus, steps, profile, onProgress });
    const text = leakText(result, { command: commandLine() });
    await makeFolders(systemDisk, folder);
    await writeAtomic(systemDisk, join(folder, "leak.csv"), leakCsv(result));
    await writeAtomic(systemDisk, join(folder, "leak.txt"), text);
    await writeAtomic(systemDisk, join(folder, "leak.png"), await leakChart(result));
    console.log(text);
  } finally {
    await executor.close();
  }
}
