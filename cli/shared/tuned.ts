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
import { word } from "./value_parsers.ts";

export const tunedOption = optional(
  option("--tuned", word("DIR"), {
    description: message`a finished sweep whose choices are used; its seeds cannot be used again`,
  }),
);

/** Adds a test part to the sources of a study that makes choices. */
export function withTestPart(sources: Sources): Sources {
  return { ...sources, flags: [...testPartFlags(readyStudy(sources).values), ...sources.flags ?? []] };
}

/**
 * The sources with the choices of a sweep, and notes about them. Throws a UsageError if the sweep is not finished, has no
 * choice for a model, a flag sets a key that it chose, or the study has one of its seeds.
 */
export async function tunedSources(
  folder: string,
  sources: Sources,
): Promise<{ sources: Sources; notesOf: (open: OpenStudy) => string[] }> {
  const record = await readSweep(systemDisk, folder), { study, values } = readyStudy(withTestPart(sources));
  // A shorter training uses the choice of its trunk.
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
