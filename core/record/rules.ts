/** Rules that several files of a run share. */
import { ARCH_TYPES } from "../config/options.ts";
import type { StageName } from "./types.ts";
import { either, number, oneOf, refuse, type Rule, text, whole } from "./schema.ts";

/** Most entries of the lists of a run record and of a result. */
export const RECORD_LIMITS = {
  arms: 64,
  seeds: 10_000,
  samples: 10_000,
  fields: 256,
  tiles: 4096,
  layers: 1024,
  pairs: 2 ** 20,
  pairTokens: 2 ** 16,
  textLength: 2 ** 20,
};

export const STAGES: readonly StageName[] = ["pretraining", "orpo", "control"];

/** A number that JSON could not hold (NaN, infinity) is null. */
export const measure = either(oneOf([null]), number());
export const count = whole();
export const size = whole({ max: 2 ** 31 });
export const name = text({ max: 256 });
export const digest: Rule = (value, path) => {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) refuse(path, "a SHA-256 in hexadecimal", value);
};
/** The names of arms are part of folder names. */
export const armName: Rule = (value, path) => {
  if (typeof value !== "string" || !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(value)) {
    refuse(path, `a name of small letters, digits, - and _, such as ${ARCH_TYPES[0]}`, value);
  }
};
export const quality = { loss: measure, perplexity: measure, bitsPerByte: measure };
export const long = text({ max: RECORD_LIMITS.textLength });
