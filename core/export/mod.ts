/** Trained models in the formats of other programs, and back. docs/export.md has what each format carries. */
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
/** What a model can be exported as. */
export type ExportFormat = typeof EXPORT_FORMATS[number];

/** The files of an export. Throws a UsageError where the format cannot carry the model, and says why. */
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
