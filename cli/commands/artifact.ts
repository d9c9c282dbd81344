/** What the commands that make one artifact of a finished run have in common. */
import { object } from "@optique/core/constructs";
import { type Message, message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { NonEmptyString } from "@optique/core/nonempty";
import { command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { makeFolders, systemDisk } from "../../core/disk/mod.ts";
import { type ArtifactName, writeArtifact } from "../../core/report/mod.ts";
import type { Action } from "../ui/run.ts";
import { jsonOption } from "./options.ts";
import { openRun, runArgument } from "./run_argument.ts";

export const outOption = optional(
  option("--out", string({ metavar: "DIR" }), {
    description: message`where to write; by default the run directory`,
  }),
);

/** Makes artifacts of a run, writes them and prints their paths. */
export async function writeNamed(
  names: readonly ArtifactName[],
  { run: wanted, out, json }: { run?: string; out?: string; json: boolean },
): Promise<void> {
  const { folder, run } = await openRun(wanted), target = out ?? folder, paths: string[] = [];
  if (out) await makeFolders(systemDisk, out);
  for (const name of names) paths.push(await writeArtifact(systemDisk, target, { run, name }));
  console.log(json ? JSON.stringify({ run: folder, written: paths }) : paths.map((path) => `wrote ${path}`).join("\n"));
}

/** A command that makes one artifact of a run. */
export function artifactCommand(
  name: NonEmptyString,
  { artifact, brief, description }: { artifact: ArtifactName; brief: Message; description: Message },
) {
  const options = object({ run: runArgument, out: outOption, json: jsonOption });
  return command(name, map(options, (given): Action => () => writeNamed([artifact], given)), { brief, description });
}
