/** The common part of the commands that start a study. */
import { type BackendOptions, openBackend } from "../../core/backend/mod.ts";
import { dirname, isAbsolute, join } from "node:path";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { CORPORA } from "../../datasets/registry.ts";
import type { StudyConfig } from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { originsOf, type Sources, type Values } from "../../core/study_file/mod.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { type Conduct, conduct, defaultFolder } from "./study.ts";
import { givenTokenizer } from "./given_tokenizer.ts";
import { readyStudy } from "./study_sources.ts";

interface NewStudy extends Pick<Conduct, "json" | "lastStage" | "probe"> {
  readonly backend: BackendOptions;
  readonly data: string | undefined;
  /** The run folder. By default its name is made of preset, suite or profile, corpus, and the model of a first stage alone. */
  readonly out: string | undefined;
}

/** The texts that a study names, from the folder of the file that names them. A registered corpus has no folder. */
function textsOf(values: Values): readonly string[] | undefined {
  const given = values.get("data.files");
  if (!given || !Array.isArray(given.value)) return undefined;
  const folder = given.origin.kind === "file" ? dirname(given.origin.file) : ".";
  const isKnown = (name: string) => CORPORA.some((corpus) => corpus.name === name);
  return given.value.map(String).map((path) => isAbsolute(path) || isKnown(path) ? path : join(folder, path));
}

/** The model and the seed of a first stage that is trained alone. Throws a UsageError where the study has more of them. */
function onlyModel({ arms, seeds }: StudyConfig): string[] {
  const [arm] = arms, [seed] = seeds;
  if (arm && seed !== undefined && arms.length === 1 && seeds.length === 1) return [arm.name, String(seed)];
  throw new UsageError("a first stage alone is that of one model and one seed", {
    got: `models ${arms.map(({ name }) => name).join(", ")}; seeds ${seeds.join(", ")}`,
    hint: "--model NAME --seed N chooses them; hymba ablate trains several",
  });
}

/** Opens the backend, finds the corpus and runs the study. Wrong flags are reported before anything is downloaded. */
export async function startStudy(
  sources: Sources,
  { backend, data, out, ...given }: NewStudy,
): Promise<void> {
  const asked = readyStudy(sources).study, suffix = given.lastStage === "pretraining" ? onlyModel(asked) : [];
  const display = new StudyDisplay(), onProgress = (line: string) => display.say(line);
  const opened = await openBackend({ ...backend, onProgress });
  try {
    const { study, values } = readyStudy(sources, opened), { preset, profile, suite = "arms" } = study;
    const corpus = await resolveCorpus({ data: data ?? textsOf(values), onProgress });
    if (corpus.warning) display.say(`warning: ${corpus.warning}`);
    const special = profile ? [`profile-${profile}`] : suite === "arms" ? [] : [suite];
    const folder = out ?? defaultFolder(preset, ...special, corpus.name, ...suffix);
    const named = await givenTokenizer(values);
    await conduct({
      study,
      opened,
      corpus,
      folder,
      display,
      origins: originsOf(values),
      givenTokenizer: named,
      ...given,
    });
  } finally {
    await opened.executor.close();
  }
}
