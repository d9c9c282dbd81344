/** The common part of the commands that make artifacts of a run. */
import { object } from "@optique/core/constructs";
import { type Message, message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { NonEmptyString } from "@optique/core/nonempty";
import { command, option } from "@optique/core/primitives";
import { float } from "@optique/core/valueparser";
import { type ArtifactName, availableArtifacts, makeArtifact } from "../../core/report/mod.ts";
import type { Action } from "../ui/run.ts";
import { jsonOption } from "./options.ts";
import { type NamedFile, writeFilesInto } from "./own_files.ts";
import { openRun, runArgument } from "./run_argument.ts";
import { word } from "./value_parsers.ts";
import { commandAmong, printJson } from "../ui/output.ts";

export const outOption = optional(
  option("--out", word("DIR"), {
    description: message`folder of the files; by default the run directory`,
  }),
);

export const marginOption = optional(
  option("--margin", float({ min: 0, metavar: "X" }), {
    description:
      message`nats per token below which a difference does not matter; by default that of the study, else 0.02`,
  }),
);

/** The commands that write artifacts of a run. */
const COMMANDS = [
  ...["csv", "metrics", "samples", "report", "attention"] as const,
  ...["plot stages", "plot ablation", "plot comparisons", "plot budgets", "plot recall", "plot frontier"] as const,
] as const;

/** Writes artifacts of a run, and of `others` those that can be made from it. Prints the paths. */
export async function writeNamed(
  names: readonly ArtifactName[],
  { run: wanted, others = [], out, margin, json }: {
    run?: string;
    margin?: number;
    others?: readonly ArtifactName[];
    out?: string;
    json: boolean;
  },
): Promise<void> {
  const { folder, run } = await openRun(wanted, { margin }), files: NamedFile[] = [];
  const available = availableArtifacts(run), shown = others.filter((name) => available.includes(name));
  for (const name of [...names, ...shown]) files.push(await makeArtifact(run, name));
  const paths = await writeFilesInto(out ?? folder, files);
  if (json) printJson(commandAmong(...COMMANDS), { run: folder, written: paths });
  else console.log(paths.map((path) => `wrote ${path}`).join("\n"));
}

/** A command that makes one artifact of a run, and of `others` those that can be made from it. */
export function artifactCommand(
  name: NonEmptyString,
  { artifact, others = [], brief, description }: {
    artifact: ArtifactName;
    others?: readonly ArtifactName[];
    brief: Message;
    description: Message;
  },
) {
  const options = object({ run: runArgument, out: outOption, margin: marginOption, json: jsonOption });
  return command(name, map(options, (given): Action => () => writeNamed([artifact], { ...given, others })), {
    brief,
    description,
  });
}
