/** `hymba clean`: lists what runs no longer need, and deletes it. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { cacheFolder } from "../../core/disk/cache_folder.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { runFolders, RUNS } from "../../core/record/mod.ts";
import {
  cleanRun,
  type Deletable,
  deletableIn,
  deletableInCache,
  removeCached,
  removeRun,
  wholeRun,
} from "../../core/verify/clean.ts";
import type { Action } from "../ui/run.ts";
import { printJson } from "../ui/output.ts";
import { bytes } from "../ui/progress.ts";
import { table } from "../ui/table.ts";
import { jsonOption } from "../shared/options.ts";
import { runName } from "../shared/value_parsers.ts";

const options = object({
  runs: multiple(
    argument(runName(), { description: message`run directories; by default all under results/runs` }),
  ),
  whole: option("--whole", {
    description: message`the named runs as a whole: weights, results and figures`,
  }),
  cache: option("--cache", {
    description: message`also downloaded texts and tokens in the cache folder, which are made again when needed`,
  }),
  yes: option("--yes", "-y", { description: message`delete; without it nothing is changed` }),
  json: jsonOption,
});

export const cleanCommand = command("clean", map(options, (given): Action => () => clean(given)), {
  brief: message`lists files of runs that can be deleted, and deletes them with --yes`,
  description:
    message`Frees space. Without --whole it deletes only checkpoints of finished trainings and temporary files of killed processes. Results, weights and figures stay, and hymba verify still passes. A run that another process is writing is skipped. Without --yes it only lists what it would delete. Example: hymba clean results/runs/quick-tinyshakespeare --yes`,
});

type Given = InferValue<typeof options>;

/** The folders of the runs: the named ones, or all in the default place. */
async function foldersOf({ runs, whole }: Given): Promise<string[]> {
  if (runs.length === 0 && whole) {
    throw new UsageError("--whole needs the names of the runs to delete", {
      expected: "run directories",
      got: "none",
      hint: "hymba runs lists them",
    });
  }
  return runs.length > 0 ? [...runs] : await runFolders(systemDisk, RUNS);
}

/** What can be deleted. */
async function planned(folders: readonly string[], { whole, cache }: Given): Promise<Deletable[]> {
  const found: Deletable[] = [];
  for (const folder of folders) {
    const run = whole ? await wholeRun(systemDisk, folder) : undefined;
    found.push(...(whole ? run ? [run] : [] : await deletableIn(systemDisk, folder)));
  }
  return cache ? [...found, ...await deletableInCache(systemDisk, cacheFolder())] : found;
}

async function runAction(folders: readonly string[], given: Given, found: readonly Deletable[]): Promise<void> {
  const wholes = found.filter(({ what }) => what === "run");
  for (const { path } of wholes) await removeRun(systemDisk, path);
  if (!given.whole) { for (const folder of folders) await cleanRun(systemDisk, folder); }
  await removeCached(systemDisk, found.filter(({ what }) => what === "cache"));
}

async function clean(given: Given): Promise<void> {
  const folders = await foldersOf(given), found = await planned(folders, given);
  const total = found.reduce((sum, { bytes }) => sum + bytes, 0);
  if (given.yes) await runAction(folders, given, found);
  if (given.json) return printJson("clean", { deleted: given.yes, bytes: total, paths: found });
  if (found.length === 0) return console.log("nothing to delete");
  const rows = found.map(({ path, what, bytes: size }) => [path, what, bytes(size)]);
  console.log(table([["path", "what", "size"], ...rows]));
  console.log(
    given.yes ? `\ndeleted ${bytes(total)}` : `\n${bytes(total)} can be deleted; nothing was changed; --yes deletes it`,
  );
}
