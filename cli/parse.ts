/** Parses the command line. Only the modules of the called command are loaded, which keeps the start short. */
import { or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { run } from "@optique/run";
import { PRESETS } from "../core/config/study.ts";
import { loadCommand, loadCommands } from "./tree.ts";
import { VERSION } from "./ui/environment.ts";
import type { Action } from "./ui/run.ts";
import { withSuggestion } from "./ui/suggestion.ts";
import { withoutColours } from "./ui/terminal.ts";

/** The action of a command line. Help and wrong usage end the process. */
export async function parsed(words: readonly string[]): Promise<Action> {
  const one = await loadCommand(words[0]), commands = one ? [one] : await loadCommands();
  return run(or(...commands), {
    programName: "hymba",
    args: words,
    help: "both",
    version: VERSION,
    completion: "command",
    errorExitCode: 2,
    aboveError: "none",
    usageLine: [{ type: "argument", metavar: "COMMAND" }, { type: "argument", metavar: "..." }],
    commandList: "top-level",
    stderr: (text) => {
      const helpful = withoutColours(withSuggestion(text, { commands, words, presets: PRESETS }));
      console.error(helpful.replace(/^Error: /, "hymba: "));
    },
    brief: message`A laboratory for attention and Mamba in one language model, on WebGPU and WebAssembly.`,
    footer: message`hymba COMMAND --help explains a command and shows an example.`,
  });
}
