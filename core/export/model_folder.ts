/** A folder with one model as this program uses it: `hymba generate` and `Hymba.load` take it in place of a run. */
import { FILES, jsonText, MODEL_FILES, type ModelRecord } from "../record/mod.ts";
import { present } from "../lists.ts";
import { encodeSafetensors, type StoredTensor } from "../params/safetensors.ts";
import { parameterSpecs } from "../params/specs.ts";
import type { ExportedModel, Files } from "./exported.ts";

/** Its files. */
export function modelFolderFiles({ name, config, sequenceLength, source, weights, tokenizer }: ExportedModel): Files {
  const file = tokenizer?.hasModel ? FILES.model : FILES.tokenizer;
  const record: ModelRecord = {
    format: 1,
    name,
    source,
    sequenceLength,
    config,
    ...(tokenizer && { tokenizer: { file, sha256: tokenizer.hash } }),
  };
  const tensors = parameterSpecs(config).map((spec): [string, StoredTensor] => [
    spec.name,
    { dtype: "F32", shape: spec.shape, data: present(weights[spec.name], spec.name) },
  ]);
  const metadata: Record<string, string> = tokenizer ? { tokenizer: tokenizer.hash } : {};
  return {
    [MODEL_FILES.model]: jsonText(record),
    [MODEL_FILES.weights]: encodeSafetensors(Object.fromEntries(tensors), metadata),
    ...(tokenizer && { [file]: tokenizer.hasModel ? new Uint8Array(tokenizer.toModelBytes()) : tokenizer.toJson() }),
  };
}
