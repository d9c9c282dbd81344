/** What `hymba estimate` and `hymba cells` print: the cells of a study and what they need. */
import { systemDisk } from "../../core/disk/mod.ts";
import { sizesOf } from "../../core/data/corpus.ts";
import { fittedStudy } from "../../core/study/fitted.ts";
import { estimateStudy, needOfStudyJson, needTable, restsOn } from "./estimate.ts";
import { withStudy } from "./new_study.ts";
import { sourcesIn, type WholeStudyOptions } from "./whole_study.ts";

/** Fits the study to its text and estimates it. Nothing is trained, and no run folder is made. */
export async function needed({ data, json, ...given }: WholeStudyOptions): Promise<void> {
  const { backend, adapter, threads } = given, sources = await sourcesIn({ data, json, ...given });
  await withStudy(sources, { backend: { backend, adapter, threads }, data }, async ({ opened, ...open }) => {
    const { resolved, corpus, givenTokenizer, display } = open, say = (line: string) => display.say(line);
    const study = await fittedStudy(systemDisk, resolved.study, { corpus, given: givenTokenizer, say });
    const need = await estimateStudy(study, { opened, sizes: sizesOf(corpus), say });
    if (json) console.log(JSON.stringify(needOfStudyJson(need, opened)));
    else console.log(`${needTable(need, opened)}\n${restsOn(need.whole)}`);
  });
}
