/** `hymba generate`: text from one trained model, as a pipe or in a conversation. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { float, integer } from "@optique/core/valueparser";
import { layersOf } from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { MAX_NEW_TOKENS, MAX_PENALTY, settingsOf } from "../../core/infer/generate.ts";
import type { Writing, WritingOptions } from "../../core/infer/writing.ts";
import type { ModelFiles, TrainedModel } from "../../core/study/one_model.ts";
import type { Action } from "../ui/run.ts";
import { bytes } from "../ui/progress.ts";
import { printText, writeText } from "../ui/terminal.ts";
import { modelOptionsBesideSeed, withAnyModel } from "../shared/model_options.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { stdinLines, stdinText } from "../shared/stdin.ts";
import { word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const samplingOptions = object("How to draw", {
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
  topP: withDefault(
    option("--top-p", float({ min: 0, max: 1, metavar: "P" }), {
      description:
        message`draw from the smallest set of most probable tokens with a total probability of at least P; 1 by default, which is all tokens`,
    }),
    1,
  ),
  minP: withDefault(
    option("--min-p", float({ min: 0, max: 1, metavar: "P" }), {
      description:
        message`draw from tokens with at least P times the highest probability; 0 by default, which is all tokens`,
    }),
    0,
  ),
  repetitionPenalty: withDefault(
    option("--repetition-penalty", float({ min: 0, max: MAX_PENALTY, metavar: "X" }), {
      description: message`values above 1 make tokens of the text so far less probable; 1 by default`,
    }),
    1,
  ),
  seed: withDefault(
    option("--seed", "--sample-seed", integer({ min: 0, metavar: "N" }), {
      description: message`seed of the draws; 1 by default`,
    }),
    1,
  ),
});

const options = merge(
  object("What to write", {
    run: runArgument,
    prompt: optional(
      option("--prompt", word("TEXT"), {
        description: message`the start of the text; by default read from a pipe, else a line break`,
      }),
    ),
    tokens: withDefault(
      option("--tokens", integer({ min: 1, max: MAX_NEW_TOKENS, metavar: "N" }), {
        description: message`most new tokens; 100 by default`,
      }),
      100,
    ),
    stop: multiple(
      option("--stop", word("TEXT"), {
        description: message`stop before this text, in which \\n means a line break; may be given several times`,
      }),
    ),
    interactive: option("--interactive", {
      description:
        message`after each text, read a line from standard input, append it, and continue; ends with the input`,
    }),
    json: jsonOption,
  }),
  samplingOptions,
  modelOptionsBesideSeed,
  backendOptions,
);

export const generateCommand = command("generate", map(options, (given): Action => () => generate(given)), {
  brief: message`text from one trained model`,
  description:
    message`Continues a prompt with a model of a run, and shows the text as it is made. The same seed gives the same text. Without --prompt it reads the prompt from a pipe. Example: hymba generate results/runs/quick-tinyshakespeare --prompt "ROMEO:" --stop "\\n\\n"`,
});

type Given = InferValue<typeof options>;

type Opened = TrainedModel<ModelFiles>;

async function generate(
  { run, prompt, tokens, stop, interactive, json, model, trainingSeed, stage, backend, adapter, threads, ...draws }:
    Given,
): Promise<void> {
  if (interactive && json) throw new UsageError("--interactive prints text only", { hint: "omit --json" });
  const sampling: WritingOptions = { ...draws, newTokens: tokens, stops: stop.map(unescaped) };
  if (stop.includes("")) throw new UsageError("--stop is empty", { expected: "a text of at least one character" });
  settingsOf(sampling);
  const folder = await folderOf(run), onProgress = say;
  const choice = { model, seed: trainingSeed, stage };
  await withAnyModel(folder, { choice, backend: { backend, adapter, threads, onProgress } }, async (opened) => {
    if (interactive) return await converse(opened, { first: prompt, sampling });
    const text = prompt ?? await pipedText();
    const writing = await opened.begin(text, { room: tokens });
    try {
      tellContext(opened, writing, tokens);
      await (json ? printAll : printAsMade)(opened, { writing, text, sampling });
    } finally {
      writing.dispose();
    }
  });
}

/** A stop string with its line ends: shells pass "\n" as two characters. */
const unescaped = (text: string): string =>
  text.replace(/\\([\\nt])/g, (_, letter: string) => letter === "n" ? "\n" : letter === "t" ? "\t" : "\\");

/** The prompt from a pipe; a line break if there is no pipe. */
async function pipedText(): Promise<string> {
  const text = Deno.stdin.isTerminal() ? "" : await stdinText();
  return text === "" ? "\n" : text;
}

interface Made {
  readonly writing: Writing;
  readonly text: string;
  readonly sampling: WritingOptions;
}

async function printAll({ chosen }: Opened, { writing, text: prompt, sampling }: Made): Promise<void> {
  let text = "";
  for await (const part of writing.write(sampling)) text += part;
  const { tokens, seconds, stopped } = writing.last;
  const tokens_per_s = tokens / seconds;
  printJson("generate", { model: chosen.arm.name, prompt, text, tokens, stopped, tokens_per_s });
}

async function printAsMade(_: Opened, { writing, text, sampling }: Made): Promise<void> {
  await writeText(text);
  for await (const part of writing.write(sampling)) await writeText(part);
  await printText("");
  const { tokens, seconds } = writing.last;
  say(`${(tokens / seconds).toFixed(1)} tokens/s`);
}

/** Says what a text longer than the trained length means for this model, if `more` tokens can make it so long. */
function tellContext({ chosen: { arm, sequenceLength: trained } }: Opened, writing: Writing, more: number): boolean {
  if (writing.tokens + more <= trained) return false;
  const full = layersOf(arm.config).filter(({ attention, window }) => attention && window === 0).length;
  const caches = full > 0
    ? `${full} of its layers attend to the whole text, so their caches grow with it: ${bytes(writing.cacheBytes)} here`
    : `its caches do not grow with it: ${bytes(writing.cacheBytes)}`;
  say(`the text can become longer than the ${trained} tokens that ${arm.name} was trained with; ${caches}`);
  return true;
}

/** Most tokens of a conversation if caches grow with it, and if they do not. */
const LONGEST_FULL = 16384, LONGEST = 2 ** 20;

async function converse(
  opened: Opened,
  { first, sampling }: { first: string | undefined; sampling: WritingOptions },
): Promise<void> {
  const full = layersOf(opened.chosen.arm.config).some(({ attention, window }) => attention && window === 0);
  const onTerminal = Deno.stdin.isTerminal(), options = { ...sampling, exactStop: true };
  let writing: Writing | undefined, turn = 0, told = false;
  const go = async (text: string) => {
    if (writing) await writing.append(text);
    else writing = await opened.begin(text, { room: Math.max(sampling.newTokens, full ? LONGEST_FULL : LONGEST) });
    told ||= tellContext(opened, writing, sampling.newTokens);
    for await (const part of writing.write({ ...options, numbers: [turn++] })) await writeText(part);
    await printText("");
    if (onTerminal) await writeText("> ");
  };
  try {
    if (first !== undefined) await go(first);
    else if (onTerminal) await writeText("> ");
    for await (const line of stdinLines()) await go(line);
  } finally {
    writing?.dispose();
  }
}
