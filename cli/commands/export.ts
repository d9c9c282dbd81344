/** `hymba export`: a trained model in the format of another program. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { systemDisk } from "../../core/disk/mod.ts";
import { EXPORT_FORMATS, exportFiles, requireNewFolder, writeFolder } from "../../core/export/mod.ts";
import { findModel, readModel } from "../../core/study/one_model.ts";
import type { Action } from "../ui/run.ts";
import { modelOptions } from "../shared/model_options.ts";
import { noteKernels } from "../shared/kernel_note.ts";
import { jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { word } from "../shared/value_parsers.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object("What to write", {
    run: runArgument,
    format: option("--format", choice([...EXPORT_FORMATS], { metavar: "pytorch|hf|gguf|onnx" }), {
      description:
        message`pytorch: any model, with a Python file that runs it; hf: transformer-global as a Llama of Transformers; gguf: the same for llama.cpp; onnx: any model`,
    }),
    out: option("--out", word("DIR"), { description: message`a new or empty folder` }),
    json: jsonOption,
  }),
  modelOptions,
);

export const exportCommand = command("export", map(options, (given): Action => () => exportModel(given)), {
  brief: message`one trained model for PyTorch, Hugging Face and other programs`,
  description:
    message`Writes the weights, the configuration and the tokenizer of a model of a run, or of a folder that hymba import made, for another program. docs/export.md says what each format carries. Example: hymba export results/runs/quick-tinyshakespeare --model hymba --format pytorch --out hymba-pytorch`,
});

async function exportModel(
  { run, format, out, json, ...choice }: InferValue<typeof options>,
): Promise<void> {
  await requireNewFolder(systemDisk, out);
  const folder = await folderOf(run), files = await findModel(systemDisk, folder, choice);
  if ("record" in files) await noteKernels(folder, files.record);
  const { arm: { name, config }, sequenceLength, source } = files, read = await readModel(systemDisk, files);
  const made = exportFiles({ name, config, sequenceLength, source, ...read }, format);
  const written = await writeFolder(systemDisk, out, made);
  if (json) return printJson("export", { model: name, source, format, written });
  for (const path of written) console.log(`wrote ${path}`);
}
