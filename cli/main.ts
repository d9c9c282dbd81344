/** The command tree. */
import { or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { run } from "@optique/run";
import { ablateCommand } from "./commands/ablate.ts";
import { causalityCommand } from "./commands/causality.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { VERSION } from "./ui/environment.ts";
import { carryOut } from "./ui/run.ts";

const commands = or(ablateCommand, causalityCommand, doctorCommand);

const action = run(commands, {
  programName: "hymba",
  args: Deno.args,
  help: "both",
  version: VERSION,
  completion: "command",
  errorExitCode: 2,
  aboveError: "none",
  brief: message`A laboratory for attention and Mamba in one language model, on WebGPU and WebAssembly.`,
  footer: message`hymba COMMAND --help shows a command with an example.`,
});

await carryOut(action);
