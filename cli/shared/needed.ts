/** The output of `hymba estimate` and `hymba cells`: the cells of a study and of its sweep, with their cost. */
import { merge, object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import type { StudyConfig } from "../../core/config/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { sizesOf } from "../../core/data/corpus.ts";
import { fittedStudy } from "../../core/study/fitted.ts";
import { estimateStudy, needNotes, needOfStudyJson, needTable, type StudyNeed } from "./estimate.ts";
import { type OpenStudy, withStudy } from "./new_study.ts";
import { overOption, perArmOption, sweepFlags, sweepSeedsOption } from "./sweep_flags.ts";
import { sweptStudy } from "./swept.ts";
import { sourcesIn, wholeStudyOptions } from "./whole_study.ts";
import { commandAmong, printJson } from "../ui/output.ts";

/** The options of both commands: those of a study and of a sweep. */
export const neededOptions = merge(
  wholeStudyOptions,
  object("The sweep, where the study has one", {
    over: overOption,
    perArm: perArmOption,
    sweepSeeds: sweepSeedsOption,
  }),
);

/** Fits a study to its text and estimates it. */
async function needOf(study: StudyConfig, { opened, corpus, givenTokenizer, display }: OpenStudy): Promise<StudyNeed> {
  const say = (line: string) => display.say(line);
  const fitted = await fittedStudy(systemDisk, study, { corpus, given: givenTokenizer, say });
  return await estimateStudy(fitted, { opened, sizes: sizesOf(corpus), say });
}

/** Estimates the study and the first round of its sweep, without training and without a run folder. */
export async function needed(
  { data, json, over, perArm, sweepSeeds, ...given }: InferValue<typeof neededOptions>,
): Promise<void> {
  const { backend, adapter, threads } = given, { flags = [], ...rest } = await sourcesIn({ data, json, ...given });
  const sources = { ...rest, flags: [...flags, ...sweepFlags({ over, perArm, seeds: sweepSeeds })] };
  await withStudy(sources, { backend: { backend, adapter, threads }, data }, async (open) => {
    const { resolved, opened } = open;
    const sweep = resolved.values.has("sweep.over") ? await needOf(sweptStudy(sources, open).study, open) : undefined;
    const need = await needOf(resolved.study, open);
    if (json) {
      const ofSweep = sweep && { sweep: needOfStudyJson(sweep, opened) };
      return printJson(commandAmong("estimate", "cells"), { ...needOfStudyJson(need, opened), ...ofSweep });
    }
    const table = (one: StudyNeed) => `${needTable(one, opened)}\n${needNotes(one)}`;
    if (!sweep) return console.log(table(need));
    console.log(`first round of the sweep (hymba sweep --cell)\n${table(sweep)}\n`);
    console.log(`the study (hymba ablate --cell)\n${table(need)}`);
  });
}
