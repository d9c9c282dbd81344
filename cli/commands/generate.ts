/** `hymba generate`: text from one trained model. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { float, integer, string } from "@optique/core/valueparser";
import { MAX_NEW_TOKENS } from "../../core/infer/generate.ts";
import type { Action } from "../ui/run.ts";
import { printText } from "../ui/terminal.ts";
import { modelOptions, withModel } from "../shared/model_options.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";

const options = merge(
  object("What to write", {
    run: runArgument,
    prompt: withDefault(
      option("--prompt", string({ metavar: "TEXT" }), {
        description: message`the beginning of the text; a line break by default`,
      }),
      "\n",
    ),
    tokens: withDefault(
      option("--tokens", integer({ min: 1, max: MAX_NEW_TOKENS, metavar: "N" }), {
        description: message`number of new tokens; 100 by default`,
      }),
      100,
    ),
    temperature: withDefault(
      option("--temperature", float({ min: 0, metavar: "X" }), {
        description: message`0.8 by default; 0 always takes the most probable token`,
      }),
      0.8,
    ),
    topK: withDefault(
      option("--top-k", integer({ min: 0, metavar: "N" }), {
        description: message`draw from the N most probable tokens; 40 by default, 0 means all`,
      }),
      40,
    ),
    sample: withDefault(
      option("--sample-seed", integer({ min: 0, metavar: "N" }), {
        description: message`seed of the draws; 1 by default`,
      }),
      1,
    ),
    json: jsonOption,
  }),
  modelOptions,
  backendOptions,
);

export const generateCommand = command("generate", map(options, (given): Action => () => generate(given)), {
  brief: message`text from one trained model`,
  description:
    message`Continues a prompt with a model of a run. The same seed gives the same text. Example: hymba generate results/runs/quick-tinyshakespeare --prompt "ROMEO:" --tokens 50`,
});

async function generate(
  { run, prompt, tokens, temperature, topK, sample, json, ...given }: InferValue<typeof options>,
) {
  const { model, seed, stage, ...backend } = given, folder = await folderOf(run);
  const choice = { model, seed, stage }, onProgress = (line: string) => console.error(line);
  await withModel(folder, { choice, backend: { ...backend, onProgress } }, async (opened) => {
    const sampling = { newTokens: tokens, temperature, topK, seed: sample };
    const made = await opened.continue(prompt, sampling);
    if (json) console.log(JSON.stringify({ model: opened.chosen.arm.name, prompt, ...made }));
    else {
      await printText(prompt + made.text);
      console.error(`${made.tokens_per_s.toFixed(1)} tokens/s`);
    }
  });
}
