/** `hymba runs`: the runs of a folder with their state, size and result. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command } from "@optique/core/primitives";
import { RUNS } from "../../core/record/mod.ts";
import type { Action } from "../ui/run.ts";
import { printJson } from "../ui/output.ts";
import { bytes } from "../ui/progress.ts";
import { noteKernelsOf } from "../shared/kernel_note.ts";
import { jsonOption } from "../shared/options.ts";
import { runsRoot, runsTable, standingJson, standingsIn } from "../shared/runs.ts";
import { word } from "../shared/value_parsers.ts";

const options = object({
  folder: optional(
    argument(word("DIR"), { description: message`a folder with runs in it; results/runs by default` }),
  ),
  json: jsonOption,
});

export const runsCommand = command("runs", map(options, (given): Action => () => runs(given)), {
  brief: message`the runs of a folder with their state, size and result`,
  description:
    message`Lists every run, the newest first: running, finished, stopped or damaged, how many of its models are done, its size, and the model with the lowest perplexity. Example: hymba runs`,
});

async function runs({ folder, json }: InferValue<typeof options>): Promise<void> {
  const root = await runsRoot(folder), found = await standingsIn(root);
  await noteKernelsOf(found);
  if (json) return printJson("runs", { root, runs: found.map(standingJson) });
  if (found.length === 0) {
    return console.log(`no runs in ${root}${folder === undefined ? "; hymba ablate --preset smoke makes one" : ""}`);
  }
  const total = found.reduce((sum, one) => sum + one.bytes, 0);
  console.log(`${runsTable(found, root)}\n\n${found.length} runs in ${root}, ${bytes(total)}`);
  if (found.some(({ state }) => state === "finished") && root === RUNS) {
    console.log("hymba clean lists what can be deleted");
  }
}
