/** The export for PyTorch: safetensors, the configuration, the tokenizer and one Python file. And the way back. */
import { HymbaConfig, type HymbaOptions, layersOf } from "../config/mod.ts";
import { digest, isObject, object, oneOf, optional, readAs, text, whole } from "../file_schema.ts";
import { present } from "../lists.ts";
import { encodeSafetensors, type StoredTensor } from "../params/safetensors.ts";
import { parameterSpecs } from "../params/specs.ts";
import { jsonText } from "../record/mod.ts";
import { type ExportedModel, type Files, tokenizerFiles, type Weights } from "./exported.ts";
import program from "./hymba_model.py" with { type: "text" };
import { type ForeignTensors, takeTensors } from "./foreign_tensors.ts";
import { pytorchName, pytorchShape } from "./pytorch_names.ts";

/** The value of `format` in the configuration of this export. */
const PYTORCH_FORMAT = "hymba-pytorch";

/** config.json. `layers` and two fields of `model` follow from the configuration; the Python file reads them. */
function configuration({ name, config, sequenceLength, source, tokenizer }: ExportedModel) {
  const layers = layersOf(config).map(({ index, attention, mamba, window, kvOwner }) => {
    return { attention, mamba, window, kvOwner, ownsKeys: attention && kvOwner === index };
  });
  return {
    format: PYTORCH_FORMAT,
    version: 1,
    name,
    source,
    sequenceLength,
    ...(tokenizer && { tokenizer: tokenizer.hash }),
    model: { ...config, innerDim: config.innerDim, metaTokens: config.metaTokens },
    layers,
  };
}

const stored = object({
  format: oneOf([PYTORCH_FORMAT]),
  version: oneOf([1]),
  name: text({ max: 256 }),
  source: text(),
  sequenceLength: whole({ min: 1, max: 2 ** 31 }),
  /** SHA-256 of the tokenizer. */
  tokenizer: optional(digest),
  model: object({}),
});

/** Weights under the names of another program, as float32 tensors. */
const pytorchTensors = (config: HymbaConfig, weights: Weights): Record<string, StoredTensor> =>
  Object.fromEntries(
    parameterSpecs(config).map((spec) => [
      pytorchName(spec.name),
      { dtype: "F32", shape: pytorchShape(spec), data: present(weights[spec.name], spec.name) },
    ]),
  );

/** The files of the export. */
export const pytorchFiles = (model: ExportedModel): Files => ({
  "config.json": jsonText(configuration(model)),
  "model.safetensors": encodeSafetensors(pytorchTensors(model.config, model.weights), { format: "pt" }),
  "hymba_model.py": program,
  ...tokenizerFiles(model.tokenizer),
});

/** Whether a config.json is that of this export. */
export const isPytorchConfiguration = (value: unknown): boolean => isObject(value) && value.format === PYTORCH_FORMAT;

/** Reads the config.json of such an export. Throws a HymbaError with the place of a wrong value. */
export function readPytorchConfiguration(value: unknown, path: string) {
  const { name, sequenceLength, source, tokenizer, model } = readAs(stored, value, path);
  const { innerDim: _, metaTokens: __, ...options }: Record<string, unknown> = model;
  return { name, sequenceLength, source, tokenizer, config: new HymbaConfig(options as Partial<HymbaOptions>) };
}

/** The weights by our names. Throws a HymbaError that names the tensor that is missing, unknown or of another shape. */
export const weightsFromPytorch = (config: HymbaConfig, tensors: ForeignTensors): Weights =>
  takeTensors(tensors, (take) =>
    Object.fromEntries(
      parameterSpecs(config).map((spec) => [spec.name, take(pytorchName(spec.name), pytorchShape(spec))]),
    ));
