/**
 * This folder: a trained model in the formats of PyTorch, Hugging Face and others, and back.
 * Exports trained models to the formats of other programs, and imports them. docs/export.md says what each format supports.
 */
import { HymbaError, quoted } from "../errors.ts";
import type { ExportedModel, Files } from "./exported.ts";
import { ggufFiles } from "./gguf.ts";
import { huggingfaceFiles } from "./huggingface.ts";
import { onnxFiles } from "./onnx.ts";
import { pytorchFiles } from "./pytorch.ts";

export type { ExportedModel, Files, Weights } from "./exported.ts";
export { type ImportedModel, importModel } from "./import.ts";
export { modelFolderFiles } from "./model_folder.ts";
export { requireNewFolder, writeFolder } from "./write_folder.ts";

export const EXPORT_FORMATS = ["pytorch", "hf", "gguf", "onnx"] as const;
/** The formats of exports. */
export type ExportFormat = typeof EXPORT_FORMATS[number];

/** Throws a HymbaError for weights that are NaN or infinite: other programs would compute with them and say nothing. */
function requireFinite({ source, weights }: ExportedModel): void {
  for (const [name, values] of Object.entries(weights)) {
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd < 0) continue;
    throw new HymbaError(`tensor ${quoted(name)} of ${source} cannot be exported`, {
      expected: "finite numbers",
      got: `${values[odd]} at place ${odd} of ${values.length}`,
      hint: "hymba verify says whether the file is damaged; where the training diverged, export another model or seed",
    });
  }
}

/**
 * The files of an export. Throws a UsageError with the reason if the format does not support the model, and a HymbaError for weights
 * that are not finite.
 */
export function exportFiles(model: ExportedModel, format: ExportFormat): Files {
  requireFinite(model);
  switch (format) {
    case "pytorch":
      return pytorchFiles(model);
    case "hf":
      return huggingfaceFiles(model);
    case "gguf":
      return ggufFiles(model);
    case "onnx":
      return onnxFiles(model);
  }
}
