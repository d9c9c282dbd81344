/** The name of a run in figures and tables: the name of a preset only if its values are those of the preset. */
import { PRESETS } from "../config/mod.ts";
import type { RunRecord } from "./read_run.ts";

/** Keys that select models and repetitions but change no value of the preset. */
const CHOICES = ["preset", "name", "profile", "suite", "models", "seeds", "remat", "precision", "tensorCores"];

/** Most keys that a label names. */
const NAMED = 3;

/** A name and its kind. */
export interface StudyLabel {
  readonly kind: "preset" | "study";
  readonly words: string;
}

/** The keys whose values are not those of the preset. Records of older runs do not say where a value comes from. */
function changedKeys({ study: { preset }, origins = {} }: Pick<RunRecord, "study" | "origins">): string[] {
  return Object.entries(origins).filter(([key, origin]) =>
    origin !== `preset ${preset}` && !CHOICES.includes(key) && !key.startsWith("sweep.")
  ).map(([key]) => key).sort();
}

/** The label of a run: `smoke`, `smoke (other pretraining.steps)`, or the name of its study file. */
export function studyLabel(record: Pick<RunRecord, "study" | "origins">): StudyLabel {
  const { preset } = record.study;
  if (!PRESETS.some((name) => name === preset)) return { kind: "study", words: preset };
  const changed = changedKeys(record), more = changed.length > NAMED ? ` and ${changed.length - NAMED} more` : "";
  if (changed.length === 0) return { kind: "preset", words: preset };
  return { kind: "preset", words: `${preset} (other ${changed.slice(0, NAMED).join(", ")}${more})` };
}
