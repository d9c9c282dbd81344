/** Models of other programs as models of this one. */
import type { Disk } from "../disk/mod.ts";
import { isObject } from "../file_schema.ts";
import { quoted, UsageError } from "../errors.ts";
import type { ExportedModel } from "./exported.ts";
import { anyTokenizer, ownTokenizer, readConfiguration, readTensors } from "./foreign_folder.ts";
import { isLlamaConfiguration, readLlamaConfiguration, weightsFromLlama } from "./huggingface.ts";
import { isHymbaConfiguration, readHymbaConfiguration, weightsFromHymba } from "./nvidia.ts";
import { isPytorchConfiguration, readPytorchConfiguration, weightsFromPytorch } from "./pytorch.ts";

/** An imported model, and notes about ignored parts of its folder. */
export interface ImportedModel {
  readonly model: ExportedModel;
  readonly notes: readonly string[];
}

/** The export for PyTorch. */
async function fromPytorch(
  disk: Disk,
  folder: string,
  { value, path }: { value: unknown; path: string },
): Promise<ImportedModel> {
  const { tokenizer: sha256, ...found } = readPytorchConfiguration(value, path);
  const weights = weightsFromPytorch(found.config, await readTensors(disk, folder));
  const { tokenizer, notes } = sha256 ? await ownTokenizer(disk, folder, sha256) : { notes: [] };
  return { model: { ...found, weights, tokenizer }, notes };
}

/** A Llama of Transformers. */
async function fromLlama(
  disk: Disk,
  folder: string,
  { value, path }: { value: unknown; path: string },
): Promise<ImportedModel> {
  const { tied, ...found } = readLlamaConfiguration(value, path);
  const weights = weightsFromLlama(found.config, await readTensors(disk, folder), { tied });
  const { tokenizer, notes } = await anyTokenizer(disk, folder, found.config.vocabSize);
  return { model: { ...found, source: `a Llama in ${folder}`, weights, tokenizer }, notes };
}

/** A published Hymba. */
async function fromHymba(
  disk: Disk,
  folder: string,
  { value, path }: { value: unknown; path: string },
): Promise<ImportedModel> {
  const { tied, convolutionBias, notes, ...found } = readHymbaConfiguration(value, path);
  const weights = weightsFromHymba(found.config, await readTensors(disk, folder), { tied, convolutionBias });
  const text = await anyTokenizer(disk, folder, found.config.vocabSize);
  const model = { ...found, source: `a Hymba in ${folder}`, weights, tokenizer: text.tokenizer };
  return { model, notes: [...notes, ...text.notes] };
}

/**
 * Reads a folder that `hymba export` wrote for PyTorch or Transformers, another Llama of Transformers, or a published Hymba. Throws a UsageError for other
 * models, and a HymbaError with file and place for what is damaged or does not fit.
 */
export async function importModel(disk: Disk, folder: string): Promise<ImportedModel> {
  const configuration = await readConfiguration(disk, folder), { value, path } = configuration;
  if (isPytorchConfiguration(value)) return await fromPytorch(disk, folder, configuration);
  if (isLlamaConfiguration(value)) return await fromLlama(disk, folder, configuration);
  if (isHymbaConfiguration(value)) return await fromHymba(disk, folder, configuration);
  const kind = isObject(value) ? value.model_type ?? value.format : undefined;
  throw new UsageError(`${path} describes a model that this program does not have`, {
    expected: 'an export for PyTorch ("format": "hymba-pytorch"), or "model_type": "llama" or "hymba"',
    got: kind === undefined ? "neither format nor model_type" : quoted(String(kind)),
  });
}
