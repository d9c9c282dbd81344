/** Converts lengths of the first stage from epochs or floating-point operations to steps. */
import {
  type Arm,
  atSteps,
  hasOpenLength,
  openLengths,
  type StageConfig,
  type StudyConfig,
  studyOfArm,
} from "../config/mod.ts";
import { BatchOrder } from "../data/batches.ts";
import type { Corpus } from "../data/corpus.ts";
import { corpusTokens } from "../data/corpus_tokens.ts";
import type { Disk } from "../disk/mod.ts";
import { at } from "../lists.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { updateFlops } from "./match.ts";

/** Whether the number of steps depends on the number of tokens of the text. */
const needsText = (study: StudyConfig): boolean => openLengths(study).some(({ unit }) => unit === "epochs");

/** Sequences per epoch: the training part, cut into sequences of the study's length. */
async function sequencesOf(
  disk: Disk,
  study: StudyConfig,
  { corpus, tokenizer, say }: { corpus: Corpus; tokenizer: Tokenizer; say: (line: string) => void },
): Promise<number> {
  const tokens = await corpusTokens(disk, corpus, { tokenizer, rule: study, onProgress: say });
  try {
    return new BatchOrder(tokens.train, { B: 1, T: study.sequenceLength, seed: 1 }).windows;
  } finally {
    tokens.close?.();
  }
}

/** The stage with its length in steps. `stepsOf` converts an open length. */
function closed(stage: StageConfig, stepsOf: (open: NonNullable<StageConfig["openLength"]>) => number): StageConfig {
  const { openLength, ...rest } = stage;
  return openLength ? { ...rest, ...atSteps(Math.max(1, stepsOf(openLength)), openLength.given) } : rest;
}

/**
 * The study with all lengths in steps. If the length is given in operations, the study's own steps are those of its first arm.
 */
function inSteps(study: StudyConfig, sequences: number): StudyConfig {
  const closedFor = (arm: Arm) => {
    const { pretraining } = studyOfArm(study, arm), { batch } = pretraining;
    return closed(
      pretraining,
      ({ unit, count }) =>
        unit === "epochs" ? Math.ceil(count * sequences / batch) : Math.round(count / updateFlops(study, arm)),
    );
  };
  const first = at(study.arms, 0), plain = { ...first, pretraining: undefined };
  const base = closed(
    study.pretraining,
    ({ unit, count }) =>
      unit === "epochs"
        ? Math.ceil(count * sequences / study.pretraining.batch)
        : Math.round(count / updateFlops({ ...study, arms: [plain] }, plain)),
  );
  const arms = study.arms.map((arm): Arm => {
    const { pretraining: _, ...rest } = arm;
    const own = Object.entries(closedFor(arm)).filter(([name, value]) =>
      JSON.stringify(base[name as keyof StageConfig]) !== JSON.stringify(value)
    );
    return own.length === 0 ? rest : { ...rest, pretraining: Object.fromEntries(own) };
  });
  return { ...study, pretraining: base, arms };
}

/** The study with all lengths in steps. Encodes the text if lengths are given in epochs. */
export async function withSteps(
  disk: Disk,
  study: StudyConfig,
  given: { corpus: Corpus; tokenizer: Tokenizer; say: (line: string) => void },
): Promise<StudyConfig> {
  if (!hasOpenLength(study)) return study;
  return inSteps(study, needsText(study) ? await sequencesOf(disk, study, given) : 0);
}
