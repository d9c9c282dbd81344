/** `hymba watch`: the progress of a run of another process. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { float } from "@optique/core/valueparser";
import { systemDisk } from "../../core/disk/mod.ts";
import { readStanding, type RunStanding } from "../../core/record/mod.ts";
import { progressOf } from "../../core/serve/run_progress.ts";
import type { Action } from "../ui/run.ts";
import { printJson } from "../ui/output.ts";
import { duration, Progress } from "../ui/progress.ts";
import { jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { bestModel, cellsInWords, standingJson } from "../shared/runs.ts";

const options = object({
  run: runArgument,
  every: withDefault(
    option("--every", float({ min: 0.1, max: 3600, metavar: "S" }), {
      description: message`seconds between two updates; 2 by default`,
    }),
    2,
  ),
  json: jsonOption,
});

export const watchCommand = command("watch", map(options, (given): Action => () => watch(given)), {
  brief: message`the progress of a run`,
  description:
    message`Follows a run of another process by its files: the finished models, step and loss of the current one, and the remaining time of training. Ends when the run ends. With --json it prints the state once. Example: hymba watch results/runs/quick-tinyshakespeare`,
});

/** The current state of a run. */
async function look(folder: string) {
  const standing = await readStanding(systemDisk, folder);
  return { standing, progress: standing.record && await progressOf(systemDisk, folder) };
}

/** The last line: the state of the run. */
function ended(standing: RunStanding): string {
  const { folder, state, results, fault } = standing, best = bestModel(results);
  const words = state === "damaged" ? `damaged: ${fault}` : `${state}, ${cellsInWords(standing)} models done`;
  return `${folder}: ${words}${best ? `; lowest perplexity ${best.perplexity.toFixed(2)}, ${best.model}` : ""}`;
}

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function watch({ run, every, json }: InferValue<typeof options>): Promise<void> {
  const folder = await folderOf(run), first = await look(folder);
  if (json) return printState(first);
  const bar = new Progress();
  let label = "", now = first;
  for (; now.standing.state === "running"; now = await look(folder)) {
    const cells = now.progress?.cells ?? [], at = cells.findIndex(({ state }) => state === "training");
    const cell = cells[at];
    if (cell) {
      const { arm, seed, stage = "", step, steps, loss = NaN } = cell;
      const title = `${arm} seed ${seed} ${stage} (${at + 1} of ${cells.length})`;
      if (title !== label) bar.begin(label = title, { done: step });
      const left = now.progress?.left_s;
      const words = `${Math.floor(100 * (now.progress?.share ?? 0))} % of the training`;
      bar.update(step, steps, {
        details: { loss: loss.toFixed(3) },
        left: left === undefined ? words : `${words}, about ${duration(left)} left`,
      });
    }
    await sleep(every);
  }
  bar.clear();
  console.log(ended(now.standing));
  if (now.standing.state !== "finished") Deno.exitCode = 1;
}

function printState({ standing, progress }: Awaited<ReturnType<typeof look>>): void {
  printJson("watch", {
    ...standingJson(standing),
    ...(progress && {
      share: progress.share,
      ...(progress.left_s !== undefined && { left_s: progress.left_s }),
      cells: progress.cells,
    }),
  });
}
