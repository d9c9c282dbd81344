/** The command tree: every command, as the command line is read. */
import { or } from "@optique/core/constructs";
import { ablateCommand } from "./ablate.ts";
import { architectureCommand } from "./architecture.ts";
import { attentionCommand } from "./attention.ts";
import { benchCommand } from "./bench.ts";
import { causalityCommand } from "./causality.ts";
import { csvCommand } from "./csv.ts";
import { doctorCommand } from "./doctor.ts";
import { evaluateCommand } from "./evaluate.ts";
import { generateCommand } from "./generate.ts";
import { goldenCommand } from "./golden.ts";
import { metricsCommand } from "./metrics.ts";
import { orpoCommand } from "./orpo.ts";
import { plotCommand } from "./plot.ts";
import { pretrainCommand } from "./pretrain.ts";
import { reportCommand } from "./report.ts";
import { reviewCommand } from "./review.ts";
import { samplesCommand } from "./samples.ts";
import { tokenizerCommand } from "./tokenizer.ts";

const training = [ablateCommand, pretrainCommand, orpoCommand] as const;
const using = [evaluateCommand, generateCommand, tokenizerCommand] as const;
const artifacts = [plotCommand, attentionCommand, samplesCommand, metricsCommand, csvCommand] as const;
const documents = [reportCommand, architectureCommand, reviewCommand] as const;
const checking = [causalityCommand, goldenCommand, doctorCommand, benchCommand] as const;
/** Every command, in the order of the help. */
export const commands = [...training, ...using, ...artifacts, ...documents, ...checking] as const;

/** The parser of the whole command line: what it makes is the action to carry out. */
export const tree = or(or(...training), or(...using), or(...artifacts), or(...documents), or(...checking));
