/** `hymba estimate`: what a study will take, before anything is spent. */
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import type { Action } from "../ui/run.ts";
import { needed, neededOptions } from "../shared/needed.ts";

export const estimateCommand = command("estimate", map(neededOptions, (given): Action => () => needed(given)), {
  brief: message`time, memory and disk of a study, before anything is spent`,
  description:
    message`Counts what each cell of the study (and of the first round of its sweep) and the whole of it need, and measures this machine for half a second. Times are corrected by earlier estimates on the same machine and backend, which are kept in the cache folder together with what they came to; intervals come from nothing else. Example: hymba estimate study.toml --data book.txt`,
});
