/**
 * Exports trained models to the formats of other programs, and imports them. docs/export.md says what each format supports.
 */
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

/** The files of an export. Throws a UsageError with the reason if the format does not support the model. */
export function exportFiles(model: ExportedModel, format: ExportFormat): Files {
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
