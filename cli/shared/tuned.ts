/** `--tuned DIR`: the sources of a study with the choices of a finished sweep. */
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { systemDisk } from "../../core/disk/mod.ts";
import { readSweep } from "../../core/record/mod.ts";
import { requireFreshSeeds, requireNoOther, testPartFlags, tunedFlags, tunedNotes } from "../../core/study/tuned.ts";
import type { Sources } from "../../core/study_file/mod.ts";
import type { OpenStudy } from "./new_study.ts";
import { readyStudy } from "./study_sources.ts";
import { word } from "./values.ts";

export const tunedOption = optional(
  option("--tuned", word("DIR"), {
    description: message`a finished sweep, whose choices the models get; its seeds are not used again`,
  }),
);

/** The sources of a study in which something is chosen: it has a test part. */
export function withTestPart(sources: Sources): Sources {
  return { ...sources, flags: [...testPartFlags(readyStudy(sources).values), ...sources.flags ?? []] };
}

/**
 * The sources with the choices, and what has to be said of them. Throws a UsageError where the sweep does not fit: it is not
 * finished, has no choice for a model, a flag gives a key that it chose, or the study has a seed of it.
 */
export async function tunedSources(
  folder: string,
  sources: Sources,
): Promise<{ sources: Sources; notesOf: (open: OpenStudy) => string[] }> {
  const record = await readSweep(systemDisk, folder), { study, values } = readyStudy(withTestPart(sources));
  // A shorter training has the choice of the training that it branches off.
  const arms = study.arms.filter(({ trunk }) => trunk === undefined).map(({ name }) => name),
    { flags = [] } = withTestPart(sources);
  requireNoOther(record, { arms, values });
  requireFreshSeeds(record, study);
  const chosen = tunedFlags(record, { arms, flag: `--tuned ${folder}` });
  return {
    sources: { ...sources, flags: [...chosen, ...flags] },
    notesOf: ({ corpus: { sha256 } }) => tunedNotes(record, { arms, values, corpus: sha256 }),
  };
}
