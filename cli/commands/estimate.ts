/** `hymba estimate`: time, memory and disk of a study, before it runs. */
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import type { Action } from "../ui/run.ts";
import { needed, neededOptions } from "../shared/needed.ts";

export const estimateCommand = command("estimate", map(neededOptions, (given): Action => () => needed(given)), {
  brief: message`time, memory and disk of a study, before it runs`,
  description:
    message`Counts the cost of each cell of the study (and of the first round of its sweep) and of the whole study, and measures this machine for half a second. Times are corrected by earlier estimates on the same machine and backend. The cache folder keeps these with the actual times. All intervals come from them. Example: hymba estimate study.toml --data book.txt`,
});
