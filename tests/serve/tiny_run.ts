/** A trained run of five small models in a real folder, for tests of the page. */
import { join } from "node:path";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";

/** Trains the models of a tiny study, or only some, and calls `use` with the run's folder. */
export async function withTinyRun<T>(
  use: (folder: string) => Promise<T>,
  { arms }: { arms?: readonly string[] } = {},
): Promise<T> {
  const place = await Deno.makeTempDir(),
    folder = join(place, "run"),
    executor = await CpuExecutor.create({ threads: 1 });
  try {
    const given = { executor, corpus: madeUpCorpus(), disk: systemDisk, folder, environment: ENVIRONMENT };
    await runStudy(tinyStudy({ arms }), given);
    return await use(folder);
  } finally {
    await executor.close();
    await Deno.remove(place, { recursive: true });
  }
}
