/** The input of an export and the result of an import: one model with its weights on the host. */
import type { HymbaConfig } from "../config/mod.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";

/** Float32 values of each parameter by its name in `core/params/specs.ts`, row-major. */
export type Weights = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** One trained model. */
export interface ExportedModel {
  readonly name: string;
  readonly config: HymbaConfig;
  /** Tokens of the sequences that it was trained with. */
  readonly sequenceLength: number;
  readonly weights: Weights;
  /** Absent if the model has no tokenizer that this program can read. */
  readonly tokenizer?: Tokenizer;
  /** Its origin, in words. */
  readonly source: string;
}

/** The contents of a folder by file name. */
export type Files = Readonly<Record<string, Uint8Array<ArrayBuffer> | string>>;

/** The tokenizer's files, in each of the two formats that can hold it. */
export function tokenizerFiles(tokenizer: Tokenizer | undefined): Files {
  if (!tokenizer) return {};
  return {
    ...(tokenizer.hasModel ? { "tokenizer.model": new Uint8Array(tokenizer.toModelBytes()) } : {}),
    ...(tokenizer.hasJson ? { "tokenizer.json": tokenizer.toJson() } : {}),
  };
}
