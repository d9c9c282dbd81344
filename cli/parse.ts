/** The command tree. A command's own modules are loaded when it is called: nobody waits for what they do not use. */
import { or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { run } from "@optique/run";
import { PRESETS } from "../core/config/study.ts";
import { loadCommand, loadCommands } from "./tree.ts";
import { VERSION } from "./ui/environment.ts";
import type { Action } from "./ui/run.ts";
import { withSuggestion } from "./ui/suggestion.ts";
import { withoutColours } from "./ui/terminal.ts";

/** What the words ask for. Help, and words that are wrong, end the process. */
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
    stderr: (text) => console.error(withoutColours(withSuggestion(text, { commands, words, presets: PRESETS }))),
    brief: message`A laboratory for attention and Mamba in one language model, on WebGPU and WebAssembly.`,
    footer: message`hymba COMMAND --help shows a command with an example.`,
  });
}
