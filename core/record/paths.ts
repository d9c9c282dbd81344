/** Names of the files of a run folder. */
import { join } from "../system/path.ts";
import type { StudyConfig } from "../config/mod.ts";
import type { StageName } from "./rules.ts";

export const FILES = {
  record: "run.json",
  metrics: "metrics.jsonl",
  model: "tokenizer.model",
  tokenizer: "tokenizer.json",
  lock: "lock",
  /** A folder: the weights and results of each arm and seed. */
  arms: "arms",
  speeds: "speeds.json",
  /** Baselines on the test part. */
  test: "test.json",
  /** Only in older runs: every evaluation on the test part. It is `test_readings` in run.json now. */
  readings: "test_readings.json",
  /** Length and SHA-256 of every file, written when the run is finished. */
  checksums: "checksums.json",
  /** Only if the folder does not have every cell of its study. */
  part: "cells.json",
} as const;

/** The tokenizer of a run. The documented study's and some others cannot be written as a SentencePiece model. */
export const tokenizerPath = (
  folder: string,
  { profile, tokenizer }: Pick<StudyConfig, "profile" | "tokenizer">,
): string => join(folder, profile === undefined && tokenizer !== "json" ? FILES.model : FILES.tokenizer);

export const armFolder = (folder: string, arm: string, seed: number) => join(folder, FILES.arms, `${arm}-${seed}`);
export const weightsFile = (stage: StageName) => `${stage}.safetensors`;
export const stageFile = (stage: StageName) => `${stage}.json`;
export const lossesFile = (stage: StageName) => `losses-${stage}.safetensors`;
/** The results of an arm on the test part. */
export const testFile = "test.json";
export const testLossesFile = (stage: StageName) => `test-losses-${stage}.safetensors`;
export const attentionFile = (stage: StageName) => `attention-${stage}.safetensors`;

export const recallFile = (folder: string, arm: string, seed: number) => join(folder, "recall", `${arm}-${seed}.json`);
