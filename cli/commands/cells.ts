/** `hymba cells`: the independent parts of a study. */
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import type { Action } from "../ui/run.ts";
import { needed, neededOptions } from "../shared/needed.ts";

export const cellsCommand = command("cells", map(neededOptions, (given): Action => () => needed(given)), {
  brief: message`the cells of a study: one model with one seed each, with what they need`,
  description:
    message`Lists the cells of a study with their numbers, and time, memory and disk of each; with a sweep in the study file, or --over, also those of its first round. hymba ablate --cell runs some of them, hymba merge makes one run of all. Example: hymba cells study.toml --data book.txt`,
});
