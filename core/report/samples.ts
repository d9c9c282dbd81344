/** generation_samples.txt: the continuations that every model generated from the same prompts. */
import type { Run, StageName } from "../record/mod.ts";
import { printable } from "../errors.ts";
import { footerOf, oneLine } from "./caption.ts";
import { wrap } from "./text_table.ts";

const STAGES: Record<StageName, string> = {
  pretraining: "after pretraining",
  orpo: "after ORPO",
  control: "after the control (second stage with beta = 0)",
};

/** The lines of a generated text, each after a bar, to distinguish them from other lines of the file. */
const quotedLines = (text: string): string[] => printable(text).split("\n").map((each) => `  | ${each}`.trimEnd());

/** The prompt and the continuation of every arm, seed and stage. */
export function samplesText(run: Run): string {
  const { samples } = run.record.study;
  const lines = [
    "Generation samples",
    footerOf(run),
    "",
    ...wrap(
      `Each prompt is a passage of ${samples.promptTokens} tokens of the validation text, drawn at random. All models get the ` +
        `same prompts. Each continuation has at most ${samples.newTokens} new tokens, sampled at temperature ` +
        `${samples.temperature} from the ${samples.topK} likeliest tokens.`,
    ),
  ];
  for (const result of run.results) {
    for (const { stage, prompt, text } of result.samples) {
      lines.push("", `── ${oneLine(result.arm)}, seed ${result.seed}, ${STAGES[stage]} `.padEnd(90, "─"));
      lines.push("prompt", ...quotedLines(prompt), "continuation", ...quotedLines(text));
    }
    if (result.samples.length === 0) lines.push("", `── ${oneLine(result.arm)}, seed ${result.seed}: no samples`);
  }
  return lines.join("\n") + "\n";
}
