/** The command tree. */
import { or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { run } from "@optique/run";
import { ablateCommand } from "./commands/ablate.ts";
import { architectureCommand } from "./commands/architecture.ts";
import { attentionCommand } from "./commands/attention.ts";
import { benchCommand } from "./commands/bench.ts";
import { causalityCommand } from "./commands/causality.ts";
import { csvCommand } from "./commands/csv.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { generateCommand } from "./commands/generate.ts";
import { goldenCommand } from "./commands/golden.ts";
import { metricsCommand } from "./commands/metrics.ts";
import { orpoCommand } from "./commands/orpo.ts";
import { plotCommand } from "./commands/plot.ts";
import { pretrainCommand } from "./commands/pretrain.ts";
import { reportCommand } from "./commands/report.ts";
import { reviewCommand } from "./commands/review.ts";
import { samplesCommand } from "./commands/samples.ts";
import { tokenizerCommand } from "./commands/tokenizer.ts";
import { VERSION } from "./ui/environment.ts";
import { carryOut } from "./ui/run.ts";
import { withSuggestion } from "./ui/suggestion.ts";

const training = [ablateCommand, pretrainCommand, orpoCommand] as const;
const using = [evaluateCommand, generateCommand, tokenizerCommand] as const;
const artifacts = [plotCommand, attentionCommand, samplesCommand, metricsCommand, csvCommand] as const;
const documents = [reportCommand, architectureCommand, reviewCommand] as const;
const checking = [causalityCommand, goldenCommand, doctorCommand, benchCommand] as const;
const commands = [...training, ...using, ...artifacts, ...documents, ...checking] as const;

const action = run(or(or(...training), or(...using), or(...artifacts), or(...documents), or(...checking)), {
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
