/** Words that several parts of the page use. */
import type { StageName } from "../record/mod.ts";

export const STAGE_WORDS: Readonly<Record<StageName, string>> = {
  pretraining: "pretraining",
  orpo: "ORPO",
  control: "the control (β = 0)",
};

/** The text of an error for the reader. */
export const wordsOf = (error: unknown): string => error instanceof Error ? error.message : String(error);
