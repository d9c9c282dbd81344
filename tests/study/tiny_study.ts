/** A study that takes seconds, for tests: a synthetic text, models of a few thousand parameters, few steps. */
import type { StudyConfig } from "../../core/config/mod.ts";
import type { HeldCorpus } from "../../core/data/corpus.ts";
import { sha256 } from "../../core/disk/mod.ts";
import type { Environment } from "../../core/study/preparation.ts";
import { randomInteger } from "../../core/random.ts";
import { smallModels } from "../train/models.ts";

const WORDS = "the sun and moon were over a hill when she came home to sing of old days in cold light".split(" ");

/** About 12,000 bytes of lower-case words and line ends, the same at every call. */
export function madeUpCorpus(): HeldCorpus {
  const counter = { seed: 5, stream: 100, step: 0 };
  const words = Array.from(
    { length: 3000 },
    (_, i) => WORDS[randomInteger(counter, i, WORDS.length)]! + (i % 9 === 8 ? "\n" : " "),
  );
  const text = words.join("");
  return { name: "made-up", text, bytes: text.length, sha256: sha256(text), licence: "none", path: "made-up.txt" };
}

export function tinyStudy(
  { arms = smallModels().map(({ name }) => name), seeds = [1] }: { arms?: readonly string[]; seeds?: number[] } = {},
): StudyConfig {
  const vocabSize = 300;
  return {
    preset: "test",
    match: "none",
    arms: smallModels().filter(({ name }) => arms.includes(name)).map(({ name, config }) => ({
      name,
      config: config.with({ vocabSize }),
    })),
    seeds,
    vocabSize,
    sequenceLength: 16,
    trainFraction: 0.9,
    pretraining: { steps: 6, rate: 3e-3, warmup: 2, decay: 0.1, batch: 2, evaluateEvery: 4 },
    orpo: { steps: 3, rate: 1e-3, warmup: 1, decay: 0.01, batch: 2, evaluateEvery: 2 },
    preference: {
      loss: "orpo",
      beta: 0.1,
      rejected: "sample",
      temperature: 1,
      trainPairs: 4,
      heldOutPairs: 3,
      promptTokens: 5,
      completionTokens: 4,
    },
    samples: { prompts: 2, promptTokens: 4, newTokens: 6, temperature: 0.8, topK: 10 },
  };
}

export const ENVIRONMENT: Environment = {
  versions: { hymba: "test" },
  backend: "cpu",
  adapter: { name: "test" },
  command: "test",
};
