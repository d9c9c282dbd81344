/** The common part of the commands that start a study. */
import { type BackendOptions, type OpenBackend, openBackend } from "../../core/backend/mod.ts";
import { join } from "node:path";
import { type Corpus, resolveCorpus } from "../../core/data/corpus.ts";
import { withDistinctTexts } from "../../core/data/distinct.ts";
import type { StudyConfig } from "../../core/config/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { located, UsageError } from "../../core/errors.ts";
import { FILES } from "../../core/record/mod.ts";
import { faultAt, originsOf, type ResolvedStudy, type Sources, type Values } from "../../core/study_file/mod.ts";
import type { GivenTokenizer } from "../../core/study/fitted.ts";
import { textsOf } from "./study_files.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { cellsNamed } from "../../core/study/cells.ts";
import { conductCells } from "./cells.ts";
import { commandWithout } from "./command_words.ts";
import { OF_JOBS, requireOneOf, runInJobs } from "./jobs.ts";
import { asideIn } from "../../core/study/extend.ts";
import { type Conduct, conduct, defaultFolder, printConduct } from "./study.ts";
import { givenTokenizer } from "./given_tokenizer.ts";
import { readyStudy, requireFiles } from "./study_sources.ts";

interface NewStudy extends Pick<Conduct, "json" | "lastStage" | "probe" | "speeds"> {
  readonly backend: BackendOptions;
  readonly data: string | undefined;
  /** The run folder. The default name consists of preset, suite or profile, corpus, and for a first stage alone its model. */
  readonly out: string | undefined;
  /** Run only these cells, each in a folder of its own below the run folder; see `cellsNamed`. */
  readonly cells?: string;
  /** Number of parallel processes. Without it, this process runs all cells. */
  readonly jobs?: number;
  /** The last parts of the default name of the run folder. */
  readonly suffix?: readonly string[];
  /** Notes for the user before the study starts. */
  readonly notesOf?: (open: OpenStudy) => readonly string[];
}

/** The model and the seed of a first stage that is trained alone. Throws a UsageError if the study has several. */
function onlyModel({ arms, seeds }: StudyConfig): string[] {
  const [arm] = arms, [seed] = seeds;
  if (arm && seed !== undefined && arms.length === 1 && seeds.length === 1) return [arm.name, String(seed)];
  throw new UsageError("a first stage alone has one model and one seed", {
    got: `models ${arms.map(({ name }) => name).join(", ")}; seeds ${seeds.join(", ")}`,
    hint: "--model NAME --seed N chooses them; hymba ablate trains several",
  });
}

/** A study, opened for training. */
export interface OpenStudy {
  readonly resolved: ResolvedStudy;
  readonly opened: OpenBackend;
  readonly corpus: Corpus;
  readonly display: StudyDisplay;
  /** A tokenizer that the study names. */
  readonly givenTokenizer: GivenTokenizer | undefined;
  /** The first parts of its folder's name: preset, suite or profile, and corpus. */
  readonly parts: readonly string[];
}

/** The result of some work with the file of a key. Its errors begin with the place in the study file that names the file. */
async function withPlace<T>(values: Values, key: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const given = values.get(key);
    throw given?.origin.kind === "file" ? located(error, faultAt(given.origin)) : error;
  }
}

/** The texts of a study. `data` replaces `data.files`. */
async function corpusIn(
  values: Values,
  { data, onProgress }: { data: string | undefined; onProgress: (line: string) => void },
): Promise<Corpus> {
  const partOf = (key: "files" | "validationFiles" | "testFiles") => {
    const data = textsOf(values, key);
    return data && withPlace(values, `data.${key}`, resolveCorpus({ data, onProgress }));
  };
  const main = await ((data === undefined && partOf("files")) || resolveCorpus({ data, onProgress }));
  const validation = await partOf("validationFiles"), test = await partOf("testFiles");
  const separate = { ...(validation && { validation }), ...(test && { test }) };
  return withDistinctTexts(validation || test ? { ...main, separate } : main);
}

/** Opens the backend, finds the corpus, runs `use` and closes the backend. */
export async function withStudy(
  sources: Sources,
  { backend, data }: { backend: BackendOptions; data: string | undefined },
  use: (open: OpenStudy) => Promise<void>,
): Promise<void> {
  const display = new StudyDisplay(), onProgress = (line: string) => display.say(line);
  const { study: { tensorCores } } = readyStudy(sources);
  await requireFiles(sources, { data });
  const opened = await openBackend({ ...backend, tensorCores, onProgress });
  try {
    const resolved = readyStudy(sources, opened), { preset, profile, suite = "arms" } = resolved.study;
    const corpus = await corpusIn(resolved.values, { data, onProgress });
    if (corpus.warning) display.say(`warning: ${corpus.warning}`);
    const special = profile ? [`profile-${profile}`] : suite === "arms" ? [] : [suite];
    const parts = [preset, ...special, corpus.name];
    const named = await withPlace(resolved.values, "data.tokenizer", givenTokenizer(resolved.values));
    await use({ resolved, opened, corpus, display, givenTokenizer: named, parts });
  } finally {
    await opened.executor.close();
  }
}

/** Prints a note if an earlier call with --jobs left cells that this call does not use. */
async function noteCells(apart: string, { folder, display }: Conduct): Promise<void> {
  if (await systemDisk.stat(join(folder, FILES.record)) || !await systemDisk.stat(apart)) return;
  if (await systemDisk.stat(asideIn(apart))) return;
  display.say(`note: ${apart} has cells of a call with --jobs, which only --jobs continues; this call starts again`);
}

/** Opens the backend, finds the corpus and runs the study. Wrong flags are reported before anything is downloaded. */
export async function startStudy(
  sources: Sources,
  { backend, data, out, cells, jobs, suffix = [], notesOf, ...given }: NewStudy,
): Promise<void> {
  const asked = readyStudy(sources).study, only = given.lastStage === "pretraining" ? onlyModel(asked) : [];
  if (cells !== undefined) cellsNamed(cells, asked);
  requireOneOf({ cells, jobs });
  await withStudy(sources, { backend, data }, async (found) => {
    const { resolved: { study, values }, parts, ...open } = found;
    for (const note of notesOf?.(found) ?? []) open.display.say(note);
    const folder = out ?? defaultFolder(...parts, ...only, ...suffix, ...(cells === undefined ? [] : ["cells"]));
    const ready: Conduct = { study, folder, origins: originsOf(values), ...open, ...given };
    if (cells !== undefined) return await conductCells(ready, cells);
    const apart = `${folder.replace(/[/\\]+$/, "")}-cells`;
    if (!given.probe) return await conduct(ready);
    if (jobs === undefined) await noteCells(apart, ready);
    const words = [...commandWithout(OF_JOBS), "--out", apart];
    printConduct(ready, await runInJobs(ready, { jobs, cells: apart, words }));
  });
}
