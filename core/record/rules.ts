/** Schemas that several files of a run share. */
import { ARCH_TYPES } from "../config/mod.ts";
import { measure, oneOf, pattern, text, whole } from "../file_schema.ts";

/** Most entries of the lists of a run record and of a result. */
export const RECORD_LIMITS = {
  arms: 1024,
  seeds: 10_000,
  cells: 2 ** 20,
  samples: 10_000,
  fields: 256,
  origins: 10_000,
  texts: 2 ** 20,
  tiles: 4096,
  layers: 1024,
  pairs: 2 ** 20,
  pairTokens: 2 ** 16,
  textLength: 2 ** 20,
};

/** `control` is the second stage with beta = 0 from the same checkpoint: more training without the preference term. */
export const STAGES = ["pretraining", "orpo", "control"] as const;

/** A stage of a study, by name. */
export type StageName = typeof STAGES[number];

export const stage = oneOf(STAGES);
export const count = whole();
export const size = whole({ max: 2 ** 31 });
export const name = text({ max: 256 });
export const long = text({ max: RECORD_LIMITS.textLength });

/** The names of arms are part of folder names. After an @ a name has changed values: `hymba@rate=0.002,batch=16`. */
export const armName = pattern(
  /^[a-z0-9][a-z0-9_-]{0,63}(?:@[a-z0-9_.,=+-]{1,180})?$/,
  `a name of small letters, digits, - and _, such as ${ARCH_TYPES[0]}`,
);

/** Mean negative log-likelihood per token and quantities computed from it. */
export const quality = {
  /** Nats per token. */
  loss: measure,
  perplexity: measure,
  /** loss · tokens / (bytes · ln 2), with the bytes of the original text. */
  bitsPerByte: measure,
};
