/** Options of several commands. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { message } from "@optique/core/message";
import { option } from "@optique/core/primitives";
import { choice, integer } from "@optique/core/valueparser";
import { PRECISIONS } from "../../core/config/study.ts";
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
