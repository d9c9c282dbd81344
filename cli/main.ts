/** The command tree. A command's own modules are loaded when it is called: nobody waits for what they do not use. */
import { or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { run } from "@optique/run";
import { loadCommand, loadCommands } from "./commands/tree.ts";
import { VERSION } from "./ui/environment.ts";
import { carryOut } from "./ui/run.ts";
import { withSuggestion } from "./ui/suggestion.ts";

const one = await loadCommand(Deno.args[0]), commands = one ? [one] : await loadCommands();

const action = run(or(...commands), {
  programName: "hymba",
  args: Deno.args,
  help: "both",
  version: VERSION,
  completion: "command",
  errorExitCode: 2,
  aboveError: "none",
  usageLine: [{ type: "argument", metavar: "COMMAND" }, { type: "argument", metavar: "..." }],
  commandList: "top-level",
  stderr: (text) => console.error(withSuggestion(text, { commands, words: Deno.args })),
  brief: message`A laboratory for attention and Mamba in one language model, on WebGPU and WebAssembly.`,
  footer: message`hymba COMMAND --help shows a command with an example.`,
});

await carryOut(action);
