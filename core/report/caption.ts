/** Texts about a study that several figures and reports use. */
import {
  namesOf,
  type ScheduleName,
  type StageConfig,
  type StudyConfig,
  studyOfArm,
  type Suite,
} from "../config/mod.ts";
import { type Run, type StageName, studyLabel } from "../record/mod.ts";
import { counted, printable } from "../errors.ts";
import { short } from "./format.ts";

/** The time of a measurement in words, by the last finished stage. */
export const AFTER: Readonly<Record<StageName, string>> = {
  pretraining: "after pretraining",
  orpo: "after ORPO",
  control: "after the control (β = 0)",
};

/** A text of the run record on one line, without control characters, for a terminal, a page or a picture. */
export const oneLine = (text: string): string => printable(text).replaceAll("\n", " ");

/** The title of the figure of each suite. */
const TITLES: Readonly<Record<Suite, string>> = {
  arms: "Ablation: attention, Mamba and both",
  seed: "The documented study's models",
  factorial: "Ablation: meta tokens, shared keys and values, windows",
  roadmap: "From a Transformer and Mamba to hymba, one field a step",
  fusion: "Ways to join attention and Mamba",
  decompose: "Convolution, state and attention, alone and together",
  frontier: "What a cache buys",
};

/** The title of the figure of results: that of the suite, or the name of a study with models of its own. */
export function titleOf({ record: { study } }: Run): string {
  const { suite = "arms" } = study, own = new Set(namesOf(suite));
  return study.arms.every(({ name }) => own.has(name))
    ? TITLES[suite]
    : `Comparison: ${study.arms.map(({ name }) => oneLine(name)).join(", ")}`;
}

/** The backend and the name of the GPU adapter or the processor. */
export function machineOf({ record }: Run): string {
  const { name, threads } = record.adapter;
  const threaded = threads === undefined ? "" : `, ${counted(Number(threads), "thread")}`;
  return oneLine(`${record.backend}, ${name ?? "unnamed processor"}${threaded}`);
}

/** How many seeds the models have finished: the largest number, and a text such as "3", or "1 to 2" if they differ. */
export function seedsOf({ record, results }: Run): { most: number; words: string } {
  const counts = [...Map.groupBy(results, ({ arm }) => arm).values()].map(({ length }) => length);
  if (counts.length === 0) return { most: record.study.seeds.length, words: String(record.study.seeds.length) };
  const least = Math.min(...counts), most = Math.max(...counts);
  return { most, words: least === most ? String(most) : `${least} to ${most}` };
}

/** The footer of every figure: corpus, preset, seeds, machine and date in one line. */
export function footerOf(run: Run): string {
  const { study, corpus, started } = run.record,
    label = studyLabel(run.record),
    { words } = seedsOf(run),
    planned = study.seeds.length;
  const seeds = planned === 1
    ? `seed ${study.seeds[0]}`
    : `${words === String(planned) ? "" : `${words} of `}${planned} seeds`;
  const facts = [`corpus ${corpus.name}`, `${label.kind} ${label.words}`, seeds, machineOf(run), started.slice(0, 10)];
  return oneLine(facts.join("  ·  "));
}

const SCHEDULE_WORDS: Readonly<Record<ScheduleName, string>> = {
  cosine: "cosine to zero",
  wsd: "constant, at the end linear to zero",
  constant: "constant",
};

/** The learning rate of a stage after the warm-up, in words. */
export const scheduleWords = ({ schedule = "cosine" }: StageConfig): string => SCHEDULE_WORDS[schedule];

/** The first stage of all models in words. A number that differs between models is given as a range. */
export function firstStageWords(study: StudyConfig): { steps: string; batch: string; rate: string; schedule: string } {
  const stages = study.arms.map((arm) => studyOfArm(study, arm).pretraining);
  const range = (of: (stage: StageConfig) => number) => {
    const all = stages.map(of), least = Math.min(...all), most = Math.max(...all);
    return least === most ? String(least) : `${least} to ${most}`;
  };
  return {
    steps: range(({ steps }) => steps),
    batch: range(({ batch }) => batch),
    rate: range(({ rate }) => rate),
    schedule: [...new Set(stages.map(scheduleWords))].join(", or "),
  };
}

/** The line below the title of a figure: tokens, steps and batch sizes. */
export function sizeOf(run: Run): string {
  const { study, data } = run.record;
  const { orpo, sequenceLength } = study, first = firstStageWords(study);
  const second = study.lastStage === "pretraining"
    ? ""
    : `, then ${counted(orpo.steps, "preference step")} of ${counted(orpo.batch, "pair")}`;
  return oneLine(
    `${run.record.corpus.name}: ` +
      `${short(data.trainTokens)} tokens to train on, ${short(data.validationTokens)} to validate; ` +
      `${first.steps} steps of ${first.batch} × ${sequenceLength} tokens${second}`,
  );
}

/** Explains whiskers and bands. */
export function spreadNote(run: Run): string {
  const { most, words } = seedsOf(run);
  return most === 1
    ? "One seed: no spread can be shown."
    : `Mean of ${words} seeds. Whiskers and bands: minimum to maximum.`;
}
