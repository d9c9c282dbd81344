/** A folder with one imported model, as `hymba import` makes it: its description, weights and tokenizer. */
import { join } from "../system/path.ts";
import { HymbaConfig, type HymbaOptions } from "../config/mod.ts";
import type { Disk } from "../disk/mod.ts";
import { quoted, UsageError } from "../errors.ts";
import { accepts, type Checked, digest, object, oneOf, optional, readAs, text, whole } from "../file_schema.ts";
import { readJson } from "./json_file.ts";
import { FILES } from "./paths.ts";
import { armName } from "./rules.ts";

/** Names of its files. The tokenizer is `tokenizer.model` or `tokenizer.json`, as in a run. */
export const MODEL_FILES = { model: "model.json", weights: "model.safetensors" } as const;

const stored = object({
  format: oneOf([1]),
  name: armName,
  /** Its origin, in words. */
  source: text(),
  /** Length of the training sequences (tokens). */
  sequenceLength: whole({ min: 1, max: 2 ** 31 }),
  config: object({}),
  /** Absent without a tokenizer that this program can read. */
  tokenizer: optional(object({ file: oneOf([FILES.model, FILES.tokenizer]), sha256: digest })),
});

/** model.json. The configuration is checked and frozen. */
export type ModelRecord = Omit<Checked<typeof stored>, "config"> & { readonly config: HymbaConfig };

/** Checks the content of model.json. Throws a HymbaError with the place of a wrong value. */
export function modelRecordOf(value: unknown, path: string): ModelRecord {
  const found = readAs(stored, value, path);
  return { ...found, config: new HymbaConfig(found.config as Partial<HymbaOptions>) };
}

/** Returns a valid name. Throws a UsageError for any other. */
export function requireModelName(name: string): string {
  if (accepts(armName, name)) return name;
  throw new UsageError(`${quoted(name)} cannot be the name of a model`, {
    expected: "small letters, digits, - and _, such as llama",
    hint: "choose a name with --name",
  });
}

/** The record of a folder with one model; undefined if the folder has none, or is a run. */
export const readModelRecord = async (disk: Disk, folder: string): Promise<ModelRecord | undefined> =>
  await disk.stat(join(folder, FILES.record))
    ? undefined
    : await readJson(disk, join(folder, MODEL_FILES.model), { as: modelRecordOf });
