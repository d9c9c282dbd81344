/** The common part of the commands that train: their options, and a study from its configuration to its artifacts. */
import { join } from "node:path";
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { choice, float, integer } from "@optique/core/valueparser";
import type { OpenBackend } from "../../core/backend/mod.ts";
import {
  type ActivationConfig,
  microBatch,
  openLengths,
  type Precision,
  PROFILES,
  type StudyConfig,
  studyOfArm,
  type TensorCores,
} from "../../core/config/mod.ts";
import { FILES, readRecord, readStanding, type Run, RUNS, type StageName } from "../../core/record/mod.ts";
import { type Corpus, sizesOf } from "../../core/data/corpus.ts";
import { sha256, systemDisk } from "../../core/disk/mod.ts";
import { memoryReport } from "../../core/bench/memory.ts";
import { writeChecksums } from "../../core/verify/checksums.ts";
import type { StudyOptions } from "../../core/study/arm_run.ts";
import { fittedStudy, type GivenTokenizer } from "../../core/study/fitted.ts";
import { ofOneTime } from "../../core/study/match.ts";
import type { Environment } from "../../core/study/preparation.ts";
import { requireMemory } from "../../core/study/require_memory.ts";
import { measureUpdates } from "../../core/study/update_times.ts";
import { heldOutTokens } from "../../core/study/estimate.ts";
import { slownessOf, studyPieces } from "../../core/study/time_left.ts";
import { runStudy } from "../../core/study/study.ts";
import { budgetTable } from "../ui/budget_table.ts";
import { keptIn } from "../../core/train/plans.ts";
import { writeArtifacts } from "../../core/report/mod.ts";
import { Interrupted, UsageError } from "../../core/errors.ts";
import { commandLine, versions } from "../ui/environment.ts";
import { memoryTable } from "../ui/memory_table.ts";
import { restartAfter } from "../ui/restart.ts";
import { stopper } from "../ui/run.ts";
import type { StudyDisplay } from "../ui/study_display.ts";
import { noteKernels } from "./kernel_note.ts";
import { estimateStudy, restsOn, scoreEstimate, type StudyNeed, timeInWords } from "./estimate.ts";
import { precisionOption, tensorCoresOption, usesTensorCores } from "./options.ts";
import { provenance } from "./provenance.ts";
import { onSoftware } from "./study_sources.ts";
import { summaryTable } from "../ui/summary.ts";
import { modelNames, word } from "./value_parsers.ts";
import { commandAmong, printJson } from "../ui/output.ts";

export const modelsOption = optional(
  option("--models", modelNames(), {
    description: message`only these models; besides those of the suite, samba and falcon-h1`,
  }),
);

export const suiteOption = optional(
  option("--suite", word("arms|seed|factorial|roadmap|fusion|decompose|frontier"), {
    description:
      message`what to compare: the five models (default), the documented study's, meta tokens × sharing × windows, the published steps, ways to join the branches, convolution × state × attention, or quality against cache size`,
  }),
);

export const profileOption = optional(
  option("--profile", choice([...PROFILES], { metavar: "seed" }), {
    description:
      message`the documented study as it was: its block, lossy tokenizer, interleaved split and second stage, at the size of paper unless --preset says otherwise`,
  }),
);

export const dataOption = optional(
  option("--data", word("FILE|NAME"), {
    description: message`a UTF-8 text file (also .gz or .zst), several with commas, or a known corpus`,
  }),
);

/** The current paths of the texts of a run, for commands that read them again. */
export const runTextOptions = object("The texts of the run", {
  data: dataOption,
  validationData: optional(
    option("--validation-data", word("FILE"), {
      description: message`the file of the validation part, if it is a separate text`,
    }),
  ),
  testData: optional(
    option("--test-data", word("FILE"), {
      description: message`the file of the test part, if it is a separate text`,
    }),
  ),
});

export const matchOption = optional(
  option("--match", choice(["parameters", "none"], { metavar: "parameters|none" }), {
    description:
      message`match the number of parameters to hymba by the feed-forward width (as small and paper do), or use one width for all`,
  }),
);

/** How activations are stored. */
export const activationOptions = object("Memory", {
  remat: option("--remat", {
    description: message`recompute layers in the backward pass: far less memory, more time, the same bits`,
  }),
  precision: precisionOption,
  tensorCores: tensorCoresOption,
});

/** The options of activations as a configuration. */
export const activationsOf = (
  { remat, precision, tensorCores }: { remat: boolean; precision?: Precision; tensorCores?: TensorCores },
): ActivationConfig => ({
  remat,
  ...keptIn(precision),
  ...(usesTensorCores({ precision, tensorCores }) ? { tensorCores: true } : {}),
});

/** The same in words, for the end of a table; empty for the defaults. */
export const activationsInWords = ({ remat, precision, tensorCores }: ActivationConfig): string =>
  `${remat ? ", layers recomputed" : ""}${precision ? `, activations stored in ${precision}` : ""}${
    tensorCores ? ", products on tensor cores" : ""
  }`;

/** Options of both stages. */
export const trainingOptions = object("Training", {
  steps: optional(
    option("--steps", integer({ min: 1, metavar: "N" }), { description: message`updates of the first stage` }),
  ),
  orpoSteps: optional(
    option("--orpo-steps", integer({ min: 1, metavar: "N" }), { description: message`updates of the second stage` }),
  ),
  beta: optional(
    option("--beta", float({ min: 0, metavar: "X" }), { description: message`weight of the preference term` }),
  ),
  orpoLoss: optional(
    option("--orpo-loss", choice(["orpo", "seed"], { metavar: "orpo|seed" }), {
      description: message`real ORPO, or the documented notebook's degenerate penalty`,
    }),
  ),
  rejected: optional(
    option("--rejected", choice(["sample", "corrupt"], { metavar: "sample|corrupt" }), {
      description: message`rejected continuations: sampled from the stage-1 model, or corrupted`,
    }),
  ),
});

/** A part of a folder's name. With capitals it ends in a hash, so that names differ on file systems that ignore case. */
const folderPart = (part: string): string =>
  part === part.normalize("NFC").toLowerCase() ? part : `${part}-${sha256(part).slice(0, 6)}`;

/** The default folder of a run. Book.txt and book.txt get two folders on every system. */
export const defaultFolder = (...parts: readonly string[]): string => join(RUNS, parts.map(folderPart).join("-"));

/** A study that is ready to run. */
export interface Conduct {
  readonly study: StudyConfig;
  readonly opened: OpenBackend;
  readonly corpus: Corpus;
  readonly folder: string;
  readonly display: StudyDisplay;
  readonly json: boolean;
  /** The origin of each value of the study. */
  readonly origins?: Readonly<Record<string, string>>;
  /** A tokenizer that the study names. */
  readonly givenTokenizer?: GivenTokenizer;
  readonly lastStage?: StageName;
  /** Also run the recall probe of each arm. */
  readonly probe?: boolean;
  /** Measure speeds at the end. Default: as `probe`. */
  readonly speeds?: boolean;
  /** Whether to evaluate on the test part at the end, if there is one. Default: yes, unless only a first stage is trained. */
  readonly test?: boolean;
}

/** Prints the results of a finished run and the paths of its artifacts. */
export function printConduct(
  { folder, json, probe }: Conduct,
  { run, artifacts }: { run: Run; artifacts: string[] },
): void {
  const { study } = run.record;
  if (json) printJson(commandAmong("ablate", "pretrain", "orpo"), { folder, artifacts, results: run.results });
  else console.log(summaryAndPaths(run, artifacts));
  const probed = probe ? study.recall?.arms.length ?? 0 : 0, seeds = study.seeds.length;
  if (run.results.length < study.arms.length * seeds || run.recall.length < probed * seeds) Deno.exitCode = 1;
}

/** Prints the plan, runs the study, writes every artifact and prints their paths. */
export async function conduct(given: Conduct): Promise<void> {
  printConduct(given, await runAndWrite(given));
}

/** A study on its way, without options of printing. */
export type RunnableStudy = Omit<Conduct, "json"> & Pick<Environment, "updateSeconds" | "updateRatios"> & {
  /** The estimate of the study. */
  readonly need?: StudyNeed;
};

/** Prints the plan, runs the study and writes every artifact. Returns the run and the paths of the artifacts. */
export async function runAndWrite(given: RunnableStudy): Promise<{ run: Run; artifacts: string[] }> {
  await noteOtherKernels(given.folder, (line) => given.display.say(line));
  await sayFinished(given.folder, given.display);
  const begun = performance.now(), isNew = await systemDisk.stat(join(given.folder, FILES.record)) === undefined;
  const ready = await preparedStudy(given), run = await runWithRestarts(ready);
  given.display.beginEnd("files");
  const artifacts = await writeEverything(given.folder, run);
  // The time of a continued study is only a part of the whole, so it is not recorded.
  if (isNew && ready.need && given.probe) {
    const say = (line: string) => given.display.say(line);
    await scoreEstimate("study", ready.need.whole, { begun, opened: given.opened, say });
  }
  return { run, artifacts };
}

/** Writes every artifact of a run and the list of checksums. Returns the paths. */
export async function writeEverything(folder: string, run: Run): Promise<string[]> {
  return [...await writeArtifacts(systemDisk, folder, run), await writeChecksums(systemDisk, folder)];
}

/** The output of a command that has finished a run. */
export const summaryAndPaths = (run: Run, paths: readonly string[]): string =>
  `${summaryTable(run)}\n${paths.map((path) => `wrote ${path}`).join("\n")}`;

/** The origins of the values, including those that depend on the text. */
function fittedOrigins(
  { study: asked, origins }: RunnableStudy,
  { study, fitted }: { study: StudyConfig; fitted: boolean },
): RunnableStudy["origins"] {
  const [open] = openLengths(asked);
  if (!fitted && !open) return origins;
  return {
    ...origins,
    ...(fitted && { "model.vocabSize": study.tokenizer ? "data.tokenizer" : "the size that the text supports" }),
    ...(open && { "pretraining.steps": `pretraining.${open.unit}, for this text and these models` }),
  };
}

/** Fits the study to its text. Prints the plan, the estimated time, and the memory of each arm. */
export async function preparedStudy(given: RunnableStudy): Promise<RunnableStudy> {
  const { opened, corpus, folder, display, probe } = given, say = (line: string) => display.say(line);
  const whole = await fittedStudy(systemDisk, given.study, { corpus, given: given.givenTokenizer, say });
  const times = await budgetTimes(whole, { folder, opened, say });
  const study = times?.updateSeconds ? ofOneTime(whole, times.updateSeconds) : whole;
  const fitted = study.vocabSize !== given.study.vocabSize;
  const origins = fittedOrigins(given, { study, fitted });
  display.say(
    `${study.preset} on ${opened.backend} (${opened.adapter.name}), corpus ${corpus.name} (${corpus.bytes} bytes)${
      activationsInWords(study)
    }, into ${folder}`,
  );
  const software = onSoftware(opened);
  const counted = probe ? study : { ...study, recall: undefined };
  const need = await estimateStudy(counted, { opened, sizes: sizesOf(corpus), say }).catch((cause) => {
    requireMemory(opened.executor, study); // Where not even a product fits, the error says what the study needs.
    throw cause;
  });
  followStudy(study, { need, ...given });
  const flops = `${(need.flops / 1e12).toPrecision(3)} Tflop`;
  display.say(`estimate: ${flops}, about ${timeInWords(need.whole)}; ${restsOn(need.whole)}`);
  if (software) {
    display.say(
      study.preset === "quick-software"
        ? `this adapter is software, so quick is shortened to ${study.pretraining.steps} steps; --backend cpu runs the full preset in less time`
        : "this adapter is software: --backend cpu does the same on this machine in a fraction of the time",
    );
  }
  const { sequenceLength: T, remat, precision } = study;
  display.say(memoryTable(study.arms.map((arm) => {
    const B = microBatch(studyOfArm(study, arm).pretraining);
    return memoryReport(opened.executor, arm, { B, T, remat, precision });
  })));
  if (study.arms.length > 1) say(budgetTable(study, times));
  return { ...given, study, origins, ...times, need };
}

/** Makes the display show the progress of the whole study. */
function followStudy(study: StudyConfig, { need, display, corpus, probe = false, ...given }: RunnableStudy): void {
  if (!need || need.whole.counted <= 0) return;
  const held = heldOutTokens(study, sizesOf(corpus)), rate = need.flops / need.whole.counted;
  const test = readsTest(given) && !study.choosing && held.testTokens > 0;
  const sizes = { probe, test, held, rate, slowness: slownessOf(display.load_s) };
  display.follow(studyPieces(study, { ...sizes, speedRounds: roundsOf({ probe, ...given }) }));
}

/** Whether the test part is read at the end, if there is one. */
const readsTest = ({ lastStage, test = lastStage === undefined }: Pick<Conduct, "lastStage" | "test">): boolean => test;

/** Says that a run has nothing left to train. */
async function sayFinished(folder: string, display: StudyDisplay): Promise<void> {
  if (!await systemDisk.stat(join(folder, FILES.record))) return;
  const { state, done } = await readStanding(systemDisk, folder);
  if (state !== "finished") return;
  display.say(`${folder} is finished: all ${done} trainings are done, and only its tables and figures are made again`);
}

/** The times of an update, for a budget of seconds: from the record of the run, else measured now. */
async function budgetTimes(
  study: StudyConfig,
  { folder, opened, say }: { folder: string; opened: OpenBackend; say: (line: string) => void },
): Promise<Pick<Environment, "updateSeconds" | "updateRatios"> | undefined> {
  if (study.budget !== "seconds") return undefined;
  const begun = await systemDisk.stat(join(folder, FILES.record)) ? await readRecord(systemDisk, folder) : undefined;
  if (begun?.updateSeconds) {
    const { updateSeconds, updateRatios } = begun, missing = study.arms.find(({ name }) => !(name in updateSeconds));
    if (!missing) return { updateSeconds, ...(updateRatios && { updateRatios }) };
    throw new UsageError(`${folder} holds another study`, {
      expected: `a study of ${Object.keys(updateSeconds).join(", ")}, whose times were measured when the run began`,
      got: missing.name,
      hint: "repeat the first command to continue it, or choose another folder with --out",
    });
  }
  say("measuring the time of an update: every model in turn, nine rounds");
  return await measureUpdates(study, { executor: opened.executor, say });
}

/** Rounds of the speed measurement of a study. The interval of nine rounds excludes the slowest and the fastest. */
const SPEED_ROUNDS = 9;

const roundsOf = ({ probe, speeds = probe }: Pick<Conduct, "probe" | "speeds">): number => speeds ? SPEED_ROUNDS : 0;

/** Prints a note if a continued run was started with other kernels, because its numbers will come from both. */
export async function noteOtherKernels(folder: string, say: (line: string) => void): Promise<void> {
  if (!await systemDisk.stat(join(folder, FILES.record))) return;
  await noteKernels(folder, await readRecord(systemDisk, folder), say);
}

/** Bytes of the metrics log. It grows with the finished work. */
async function sizeOfLog(folder: string): Promise<number> {
  return (await systemDisk.stat(join(folder, FILES.metrics)))?.bytes ?? 0;
}

/** Runs a study, or only some of its cells. After the loss of a device it continues in a new process. */
export async function runWithRestarts(
  { study, opened, corpus, folder, display, origins, givenTokenizer, probe, ...given }: RunnableStudy,
  only: Pick<StudyOptions, "cells" | "branchCells" | "trunkFolder"> = {},
): Promise<Run> {
  const { lastStage, updateSeconds, updateRatios, speeds } = given;
  const { signal, listen, dispose } = stopper(() => display.say("stopping: saving; Ctrl-C again stops at once"));
  const { executor, backend, adapter, tiles } = opened;
  const found = { versions: versions(), backend, adapter, ...(tiles && { tiles }), ...(origins && { origins }) };
  const measured = { ...(updateSeconds && { updateSeconds }), ...(updateRatios && { updateRatios }) };
  const environment = { ...found, ...measured, ...await provenance(opened), command: commandLine() };
  try {
    return await runStudy(study, {
      executor,
      corpus,
      folder,
      environment,
      givenTokenizer,
      signal,
      lastStage,
      ...only,
      probe,
      test: readsTest(given),
      speedRounds: roundsOf({ probe, speeds }),
      disk: systemDisk,
      onEvent: (event) => {
        listen();
        display.show(event);
      },
    });
  } catch (error) {
    const loss = error instanceof Interrupted ? undefined : await opened.lossOf?.();
    dispose();
    if (loss) return await restartAfter(loss, { progress: () => sizeOfLog(folder), say: (line) => display.say(line) });
    if (error instanceof Interrupted) display.say(`to continue, repeat the same command:\n  ${commandLine()}`);
    throw error;
  } finally {
    dispose();
  }
}
