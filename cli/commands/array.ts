/** `hymba array`: shows and repairs a study that was submitted to a cluster. */
import { resolve } from "node:path";
import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command } from "@optique/core/primitives";
import { systemDisk } from "../../core/disk/mod.ts";
import type { Action } from "../ui/run.ts";
import { type ArrayFile, placesOf, stateOf } from "../shared/array_file.ts";
import { jsonOption } from "../shared/options.ts";
import { queued } from "../shared/slurm.ts";
import { currentArray, submitCells } from "../shared/submission.ts";
import { table } from "../ui/table.ts";
import { runName } from "../shared/value_parsers.ts";
import { printJson } from "../ui/output.ts";

const options = object({
  run: argument(runName(), { description: message`the folder that hymba submit made` }),
  json: jsonOption,
});
type Given = InferValue<typeof options>;

const statusCommand = command("status", map(options, (given): Action => () => status(given)), {
  brief: message`the state of every cell`,
  description:
    message`Shows the state of every cell by its files and by the queue of the cluster. Exits with 1 while a cell has failed. Example: hymba array status /shared/study`,
});

const healCommand = command("heal", map(options, (given): Action => () => heal(given)), {
  brief: message`submit the failed cells again`,
  description:
    message`Submits the cells that are neither done nor in the queue once more, with a new merge after them, or only the merge if that alone has failed. They continue from their last checkpoints. Example: hymba array heal /shared/study`,
});

export const arrayCommand = command("array", or(statusCommand, healCommand), {
  brief: message`shows and repairs a study that was submitted to a cluster`,
  description:
    message`Shows the cells of a submitted study, or submits the failed ones again. Example: hymba array status RUN`,
});

/** A cell with the state of its files. `failed`: it is not done, and no job works on it. */
type Seen = ArrayFile["cells"][number] & { readonly state: string; readonly failed: boolean; readonly queue: string };

async function look(folder: string): Promise<{ file: ArrayFile; seen: Seen[]; merge: string; failed: boolean }> {
  const file = await currentArray(folder),
    { cells, ended, unless } = placesOf(file, folder),
    queue = file.engine === "slurm" ? await queued(file) : new Map<number | "merge", string>();
  const seen: Seen[] = [];
  for (const cell of file.cells) {
    const state = await stateOf(cells, cell), waiting = queue.get(cell.index);
    const open = state === "begun" || state === "absent";
    // Kubernetes restarts pods by itself, so an open cell there is not failed.
    const failed = open && waiting === undefined && file.engine === "slurm";
    seen.push({
      ...cell,
      state: failed ? "failed" : state === "absent" ? "waiting" : state,
      failed,
      queue: waiting ?? "",
    });
  }
  const has = async (path: string | undefined) => path !== undefined && await systemDisk.stat(path) !== undefined;
  const merged = await has(ended) && !await has(unless);
  const waits = queue.get("merge"), failed = !merged && waits === undefined && file.engine === "slurm";
  return { file, seen, merge: merged ? "done" : waits ?? (failed ? "failed" : "waiting"), failed };
}

async function status({ run, json }: Given): Promise<void> {
  const { seen, merge, failed } = await look(resolve(run));
  if (json) printJson("array status", { run, cells: seen, merge });
  else {
    const rows = seen.map(({ index, arm, seed, state, queue }) => [String(index), arm, String(seed), state, queue]);
    console.log(table([["cell", "model", "seed", "state", "queue"], ...rows, ["merge", "", "", merge, ""]]));
  }
  if (failed || seen.some(({ failed }) => failed)) Deno.exitCode = 1;
}

async function heal({ run, json }: Given): Promise<void> {
  const folder = resolve(run), { file, seen, merge } = await look(folder);
  const open = file.engine === "slurm"
    ? seen.filter(({ failed }) => failed)
    : seen.filter(({ state }) => state !== "done" && state !== "diverged");
  const cells = open.map(({ index }) => index);
  // Kubernetes does not say here whether its last Job failed. A second one does no harm: it waits, and changes nothing.
  const isMergeOpen = merge === "failed" || file.engine === "kubernetes" && merge !== "done";
  if (cells.length === 0 && !isMergeOpen) {
    if (json) printJson("array heal", { run, cells: [] });
    else console.log("nothing to heal");
    return;
  }
  const job = await submitCells(file, folder, { cells });
  if (json) printJson("array heal", { run, ...job });
  else if (cells.length === 0) console.log(`submitted a merge as ${job.merge}`);
  else console.log(`submitted cells ${cells.join(", ")} as ${job.id}, and a merge as ${job.merge}`);
}
