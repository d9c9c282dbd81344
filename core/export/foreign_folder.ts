/** Reads the files of a model that another program wrote. */
import { join } from "node:path";
import { type Disk, MAX_JSON, parseJson, readText } from "../disk/mod.ts";
import { HymbaError, quoted, UsageError } from "../errors.ts";
import { mapOf, object, readAs, text } from "../file_schema.ts";
import { readSafetensors } from "../params/read_safetensors.ts";
import type { StoredTensor } from "../params/safetensors.ts";
import { readTokenizer } from "../record/mod.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import type { ForeignTensors } from "./foreign_tensors.ts";

const WEIGHTS = "model.safetensors", INDEX = "model.safetensors.index.json";

/** Largest index of a model in several files, in characters. */
const MOST_INDEX = 16 * MAX_JSON;

/** config.json of a folder. Throws a UsageError if there is none. */
export async function readConfiguration(disk: Disk, folder: string): Promise<{ value: unknown; path: string }> {
  const path = join(folder, "config.json");
  if ((await disk.stat(path))?.kind === "file") {
    return { value: parseJson(await readText(disk, path, { most: MAX_JSON }), path), path };
  }
  throw new UsageError(`${folder} is not a model`, {
    expected: `a folder with config.json and ${WEIGHTS}`,
    got: await disk.stat(folder) ? "no config.json in it" : "nothing there",
    hint: "name the folder that hymba export wrote, or that a model was downloaded into",
  });
}

const index = object({ weight_map: mapOf(text({ max: 256 }), { max: 1_000_000 }) });

/** The files that an index names. They have to be in the folder itself. */
async function filesOfIndex(disk: Disk, folder: string): Promise<string[]> {
  const path = join(folder, INDEX), most = { most: MOST_INDEX };
  const { weight_map } = readAs(index, parseJson(await readText(disk, path, most), path, most), path);
  const names = [...new Set(Object.values(weight_map))].sort(),
    odd = names.find((name) => !/^[\w.-]+\.safetensors$/.test(name));
  if (odd === undefined) return names;
  throw new HymbaError(`${path} names the file ${quoted(odd)}`, {
    expected: "names of safetensors files in the same folder",
  });
}

/** All tensors of a folder, from one file or from the files of an index. */
export async function readTensors(disk: Disk, folder: string): Promise<ForeignTensors> {
  const whole = await disk.stat(join(folder, WEIGHTS)), parts = await disk.stat(join(folder, INDEX));
  if (!whole && !parts) {
    throw new UsageError(`${folder} has no weights`, { expected: `${WEIGHTS}, or ${INDEX}`, got: "neither of them" });
  }
  const names = whole ? [WEIGHTS] : await filesOfIndex(disk, folder), tensors: Record<string, StoredTensor> = {};
  for (const name of names) {
    const path = join(folder, name);
    for (const [key, tensor] of Object.entries((await readSafetensors(disk, path)).tensors)) {
      if (Object.hasOwn(tensors, key)) throw new HymbaError(`${path}: tensor ${quoted(key)} is in another file too`);
      tensors[key] = tensor;
    }
  }
  return { file: join(folder, whole ? WEIGHTS : INDEX), tensors };
}

/** A tokenizer of a folder, or the reason why there is none. */
export interface FoundTokenizer {
  readonly tokenizer?: Tokenizer;
  /** Why an existing tokenizer was not used. */
  readonly notes: readonly string[];
}

/**
 * The tokenizer with this SHA-256, which is in the model's configuration. Throws a HymbaError if a file is damaged, or none
 * has this hash.
 */
export async function ownTokenizer(disk: Disk, folder: string, sha256: string): Promise<FoundTokenizer> {
  const found: string[] = [];
  for (const name of ["tokenizer.model", "tokenizer.json"]) {
    const path = join(folder, name);
    if (!await disk.stat(path)) continue;
    const tokenizer = await readTokenizer(disk, path);
    if (tokenizer.hash === sha256) return { tokenizer, notes: [] };
    found.push(`${name} of ${tokenizer.hash}`);
  }
  throw new HymbaError(`${folder} does not have the tokenizer of its model`, {
    expected: `tokenizer.model or tokenizer.json of ${sha256}, as config.json says`,
    got: found.join(", ") || "neither of them",
    hint: "put the file back that was exported",
  });
}

/** A tokenizer that this program can read and that has the model's vocabulary. Others are ignored, and the notes say why. */
export async function anyTokenizer(disk: Disk, folder: string, vocabSize: number): Promise<FoundTokenizer> {
  const notes: string[] = [];
  for (const name of ["tokenizer.json", "tokenizer.model"]) {
    const path = join(folder, name);
    if (!await disk.stat(path)) continue;
    const tokenizer = await readTokenizer(disk, path).catch((error: unknown) => {
      if (!(error instanceof HymbaError)) throw error;
      notes.push(`the tokenizer was left: ${error.message.replaceAll(/\n\s*/g, "; ")}`);
    });
    if (!tokenizer) continue;
    if (tokenizer.vocabSize === vocabSize) return { tokenizer, notes: [] };
    notes.push(`the tokenizer was left: ${path} has ${tokenizer.vocabSize} ids, the model ${vocabSize}`);
  }
  return { notes: notes.length > 0 ? notes : ["there is no tokenizer: the model takes token ids only"] };
}
