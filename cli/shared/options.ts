/** This folder: options and steps that several commands share. Options of several commands. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { message } from "@optique/core/message";
import { option } from "@optique/core/primitives";
import { choice, integer } from "@optique/core/valueparser";
import { type Precision, PRECISIONS, TENSOR_CORES, type TensorCores } from "../../core/config/study.ts";
import { UsageError } from "../../core/errors.ts";
import { word } from "./value_parsers.ts";

/** Where to compute. */
export const backendOptions = object("Where to compute", {
  backend: optional(
    option("--backend", word("auto|webgpu|cpu"), {
      description: message`by default a GPU if there is one, else the processor`,
    }),
  ),
  adapter: optional(
    option("--adapter", word("TEXT"), {
      description: message`part of the name of a WebGPU adapter; hymba doctor lists them`,
    }),
  ),
  threads: optional(
    option("--threads", integer({ min: 1, metavar: "N" }), {
      description: message`threads of the processor; all cores by default`,
    }),
  ),
});

export const outOption = optional(
  option("--out", word("DIR"), {
    description: message`run directory; by default one under results/runs`,
  }),
);

export const jsonOption = option("--json", { description: message`print JSON for programs` });

export const precisionOption = optional(
  option("--precision", choice([...PRECISIONS], { metavar: "f32|bf16|f16" }), {
    description:
      message`format of the activations that are saved for the backward pass: bf16 halves their memory, f16 too, with loss scaling. By default bf16 for paper on a GPU, else f32`,
  }),
);

export const tensorCoresOption = optional(
  option("--tensor-cores", choice([...TENSOR_CORES], { metavar: "auto|on|off" }), {
    description:
      message`whether tensor cores make the products of --precision f16, where the adapter has them; auto is off until they were measured on GPUs`,
  }),
);

/** Whether tensor cores are asked for. Throws a UsageError where the precision has no products for them. */
export function usesTensorCores(
  { precision, tensorCores }: { precision?: Precision; tensorCores?: TensorCores },
): boolean {
  if (tensorCores !== "on") return false;
  if (precision === "f16") return true;
  throw new UsageError("--tensor-cores on multiplies operands in f16", {
    expected: "--precision f16 with it",
    got: precision ? `--precision ${precision}` : "no --precision",
  });
}
