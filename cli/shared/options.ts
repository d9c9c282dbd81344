/** Options that several commands take. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { message } from "@optique/core/message";
import { option } from "@optique/core/primitives";
import { choice, integer, string } from "@optique/core/valueparser";
import { PRECISIONS } from "../../core/config/study.ts";

/** Where to compute. */
export const backendOptions = object("Where to compute", {
  backend: optional(
    option("--backend", string({ metavar: "auto|webgpu|cpu" }), {
      description: message`a GPU when there is one, else the processor, unless you say`,
    }),
  ),
  adapter: optional(
    option("--adapter", string({ metavar: "TEXT" }), {
      description: message`part of the name of a WebGPU adapter; hymba doctor lists them`,
    }),
  ),
  threads: optional(
    option("--threads", integer({ min: 1, metavar: "N" }), {
      description: message`threads of the processor; all cores by default`,
    }),
  ),
});

export const jsonOption = option("--json", { description: message`print JSON for programs` });

export const precisionOption = optional(
  option("--precision", choice([...PRECISIONS], { metavar: "f32|bf16|f16" }), {
    description:
      message`bits in which activations wait for the backward pass: bf16 halves them, f16 does so with loss scaling. By default bf16 for paper on a GPU, f32 elsewhere`,
  }),
);
