/** `hymba cells`: the independent parts of a study. */
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import type { Action } from "../ui/run.ts";
import { needed, neededOptions } from "../shared/needed.ts";

export const cellsCommand = command("cells", map(neededOptions, (given): Action => () => needed(given)), {
  brief: message`the cells of a study (one model with one seed each) and their cost`,
  description:
    message`Lists the cells of a study with their numbers, time, memory and disk. With a sweep in the study file, or --over, it also lists the cells of the first round. hymba ablate --cell runs some of them, hymba merge puts all into one run. Example: hymba cells study.toml --data book.txt`,
});
