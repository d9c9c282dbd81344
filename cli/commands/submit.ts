/** `hymba submit`: submits a study to a cluster. */
import { join, resolve } from "node:path";
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice, integer, string } from "@optique/core/valueparser";
import { systemDisk } from "../../core/disk/mod.ts";
import { quoted, UsageError } from "../../core/errors.ts";
import { sizesOf } from "../../core/data/corpus.ts";
import { cellsOf } from "../../core/study/cells.ts";
import { fittedStudy } from "../../core/study/fitted.ts";
import type { StudyConfig } from "../../core/config/mod.ts";
import type { Sources, SweepConfig } from "../../core/study_file/mod.ts";
import type { Action } from "../ui/run.ts";
import { type ArrayFile, ENGINES, listed, PLACES, tasksOf } from "../shared/array_file.ts";
import { commandWithout, type OwnFlags } from "../shared/command_words.ts";
import { requireSameEverywhere } from "../shared/cells.ts";
import { estimateStudy, needNotes, needTable, type StudyNeed } from "../shared/estimate.ts";
import { writeManifest } from "../shared/kubernetes.ts";
import { outOption } from "../shared/options.ts";
import { requireOwnFile } from "../shared/own_files.ts";
import { type OpenStudy, withStudy } from "../shared/new_study.ts";
import { textsOf } from "../shared/study_files.ts";
import { defaultFolder } from "../shared/study.ts";
import { requirePlainPaths, writeScripts } from "../shared/slurm.ts";
import { submitCells } from "../shared/submission.ts";
import { extendOption, overOption, perArmOption, sweepFlags, sweepSeedsOption } from "../shared/sweep_flags.ts";
import { sweptStudy } from "../shared/swept.ts";
import { tunedOption, tunedSources } from "../shared/tuned.ts";
import { sourcesIn, wholeStudyOptions } from "../shared/whole_study.ts";
import { CORPORA } from "../../datasets/registry.ts";
import { printJson } from "../ui/output.ts";

const words = (name: `--${string}`, metavar: "NAME" | "TIME", about: ReturnType<typeof message>) =>
  optional(option(name, string({ metavar }), { description: about }));

const options = merge(
  object("The cluster", {
    engine: option("--engine", choice([...ENGINES], { metavar: "slurm|kubernetes" }), {
      description: message`what runs the jobs`,
    }),
    dryRun: option("--dry-run", { description: message`write the scripts or the manifest, and submit nothing` }),
    out: outOption,
    tuned: tunedOption,
    minutes: optional(option("--minutes", integer({ min: 1, metavar: "N" }), {
      description: message`time limit of a cell; by default three times the estimate and ten minutes more`,
    })),
    partition: words("--partition", "NAME", message`Slurm: the partition`),
    image: words("--image", "NAME", message`Kubernetes: an image that has hymba on its path`),
    claim: words("--claim", "NAME", message`Kubernetes: the volume claim that has the study and the run folder`),
  }),
  object("The sweep, with --sweep", {
    sweep: option("--sweep", {
      description: message`submit the sweep of the study: its first round as cells, then a job that chooses`,
    }),
    over: overOption,
    perArm: perArmOption,
    sweepSeeds: sweepSeedsOption,
    extend: extendOption,
  }),
  wholeStudyOptions,
);

type Given = InferValue<typeof options>;

export const submitCommand = command("submit", map(options, (given): Action => () => submit(given)), {
  brief: message`a study as jobs of a cluster: one for each cell, and one that merges`,
  description:
    message`Writes and submits an array of jobs, one for each cell, with resources from the estimate, and a job that merges after them. With --sweep they are those of a sweep, and the last job chooses. A job that is requeued continues from its last checkpoint. hymba array status shows it, hymba array heal submits failed cells again. Example: hymba submit study.toml --engine slurm --out /shared/study`,
});

/** Options of `submit` itself. The other words of the command line are those of `hymba ablate` or `hymba sweep`. */
const OWN_FLAGS: OwnFlags = {
  "--sweep": 0,
  "--sweep-seeds": 1,
  "--engine": 1,
  "--dry-run": 0,
  "--out": 1,
  "--minutes": 1,
  "--partition": 1,
  "--image": 1,
  "--claim": 1,
  "--json": 0,
  "--threads": 1,
};

/** The texts as options of `hymba merge`, with absolute paths. */
function dataWords(data: string | undefined, { resolved: { values } }: OpenStudy): string[] {
  const known = (name: string) => CORPORA.some((one) => one.name === name);
  const words = (flag: string, named: readonly string[] | undefined) =>
    named ? [flag, named.map((path) => known(path) ? path : resolve(path)).join(",")] : [];
  return [
    ...words("--data", data?.split(",") ?? textsOf(values, "files")),
    ...words("--validation-data", textsOf(values, "validationFiles")),
    ...words("--test-data", textsOf(values, "testFiles")),
  ];
}

/** The time limit of a job in seconds: three times its estimated time, and ten minutes to start. */
const limitOf = (seconds: number) => Math.ceil(3 * seconds + 600);

/** The resources of a job: those of the largest task, with a margin for errors of the estimate. */
function resourcesOf(
  { cells: needs }: StudyNeed,
  { cells, minutes, threads, sweep }: {
    cells: ArrayFile["cells"];
    minutes: number | undefined;
    threads: number;
    sweep: SweepConfig | undefined;
  },
): ArrayFile["resources"] {
  const secondsOf = (index: number) => needs[index]?.interval?.[1] ?? needs[index]?.seconds ?? 0;
  const sum = (indices: readonly number[]) => indices.reduce((sum, index) => sum + secondsOf(index), 0);
  const all = cells.map(({ index }) => index), memory = Math.max(...needs.map(({ memory }) => memory));
  const longest = Math.max(...[...tasksOf({ cells }, all).values()].map(sum));
  // An extension adds at most one value to every axis. The last job trains these points one after another.
  const grown = sweep
    ? sweep.extend * (sweep.over.reduce((all, { values }) => all * (1 + 1 / values.length), 1) - 1)
    : 0;
  const later = Math.ceil(grown * all.length);
  return {
    threads,
    memory: Math.ceil(memory * 1.25 + 256 * 2 ** 20),
    seconds: minutes === undefined ? limitOf(longest) : 60 * minutes,
    lastSeconds: minutes === undefined ? limitOf(longest + grown * sum(all)) : 60 * minutes * (1 + later),
  };
}

/** Throws a UsageError for a folder at which Kubernetes mounts no volume. */
function requireMountable(folder: string): void {
  if (!folder.includes(":")) return;
  throw new UsageError(`Kubernetes cannot mount a volume at ${quoted(folder)}`, {
    expected: "a path without a colon",
    hint: "choose another folder with --out",
  });
}

function requireClusterFlags({ engine, image, claim }: Given): void {
  if (engine !== "kubernetes" || (image !== undefined && claim !== undefined)) return;
  throw new UsageError("a Kubernetes job needs an image and a volume", {
    expected: "--image NAME and --claim NAME",
    hint: "docs/cluster.md shows both",
  });
}

/** Throws a UsageError for flags of a sweep without --sweep, and for flags of the study alone with --sweep. */
function requireSweepFlags(given: Given): void {
  const { over, perArm, sweepSeeds, extend, tuned, seeds, profile, orpoSteps, beta, orpoLoss, rejected } = given;
  const ofSweep = {
    "--over": over[0],
    "--per-arm": perArm || undefined,
    "--sweep-seeds": sweepSeeds,
    "--extend": extend,
  };
  const second = { "--orpo-steps": orpoSteps, "--beta": beta, "--orpo-loss": orpoLoss, "--rejected": rejected };
  const ofStudy = { "--tuned": tuned, "--seeds": seeds, "--profile": profile, ...second };
  const wrong = Object.entries(given.sweep ? ofStudy : ofSweep).find(([, value]) => value !== undefined)?.[0];
  if (wrong === undefined) return;
  if (!given.sweep) throw new UsageError(`${wrong} belongs to a sweep`, { hint: "add --sweep, or omit it" });
  throw new UsageError(`${wrong} belongs to the study and not to its sweep`, {
    expected: "--over, --per-arm, --sweep-seeds and --extend, and the flags of the first stage",
    hint: `submit the sweep without ${wrong}, and later the study with --tuned DIR and ${
      wrong === "--tuned" ? "the choices" : wrong
    }`,
  });
}

/** What is submitted: a study, or the first round of its sweep. */
interface Submitted {
  readonly study: StudyConfig;
  readonly sweep?: SweepConfig;
  /** The command line that trains its cells, without the flags that each task gets with its own values. */
  readonly train: readonly string[];
}

function submittedOf(sources: Sources, open: OpenStudy, { sweep: isSweep, sweepSeeds }: Given): Submitted {
  const words = commandWithout(OWN_FLAGS).slice(1);
  if (!isSweep) {
    requireSameEverywhere(open.resolved.study);
    return { study: open.resolved.study, train: ["ablate", ...words] };
  }
  const { study, sweep } = sweptStudy(sources, open);
  return { study, sweep, train: ["sweep", ...words, ...(sweepSeeds === undefined ? [] : ["--seeds", sweepSeeds])] };
}

async function submit(given: Given): Promise<void> {
  requireClusterFlags(given);
  requireSweepFlags(given);
  const { backend, adapter, threads, data, out, engine, tuned, over, perArm, sweepSeeds, extend } = given;
  const { flags = [], ...rest } = await sourcesIn(given);
  const plain = { ...rest, flags: [...flags, ...sweepFlags({ over, perArm, seeds: sweepSeeds, extend })] };
  const { sources } = tuned === undefined ? { sources: plain } : await tunedSources(tuned, plain);
  await withStudy(sources, { backend: { backend, adapter, threads }, data }, async (open) => {
    const { opened, corpus, display, parts } = open, say = (line: string) => display.say(line);
    const { study: asked, sweep, train } = submittedOf(sources, open, given);
    const study = await fittedStudy(systemDisk, asked, { corpus, given: open.givenTokenizer, say });
    const need = await estimateStudy(study, { opened, sizes: sizesOf(corpus), say });
    const folder = resolve(out ?? defaultFolder(...parts, ...(sweep ? ["sweep"] : []), "array"));
    if (engine === "slurm") requirePlainPaths([folder, Deno.cwd()]);
    else requireMountable(folder);
    await requireNew(folder);
    const cores = threads ?? (typeof opened.adapter.threads === "number" ? opened.adapter.threads : 1);
    const cells = listed(cellsOf(study)), { minutes, partition, image, claim } = given;
    const file: ArrayFile = {
      format: 1,
      engine,
      from: Deno.cwd(),
      train: [...train],
      merge: ["merge", ...dataWords(data, open)],
      ...(sweep && { sweep: true }),
      cells,
      resources: resourcesOf(need, { cells, minutes, threads: cores, sweep }),
      ...(partition !== undefined && { partition }),
      ...(image !== undefined && { image }),
      ...(claim !== undefined && { claim }),
      jobs: [],
    };
    say(`${needTable(need, opened)}\n${needNotes(need)}`);
    await start(file, folder, given);
  });
}

/** What --dry-run writes, and how each file of it begins. */
const OF_DRY_RUN: readonly (readonly [name: RegExp, start: RegExp])[] = [
  [/^(cells|merge)\.sbatch$/, /^#!\/bin\/bash\n#SBATCH --job-name=hymba-/],
  [/^hymba-.*\.json$/, /^\{\n {2}"apiVersion": "v1",\n {2}"kind": "List",\n/],
];

/** Throws a UsageError if the folder has other files than those of a call with --dry-run. */
async function requireNew(folder: string): Promise<void> {
  const found = await systemDisk.stat(folder), names = found?.kind === "folder" ? await systemDisk.list(folder) : [];
  const ofDryRun = (name: string) => OF_DRY_RUN.find(([known]) => known.test(name));
  const others = names.filter((name) => name !== PLACES.logs && !ofDryRun(name));
  if (!found || found.kind === "folder" && others.length === 0) {
    for (const name of names) {
      const start = ofDryRun(name)?.[1];
      if (start) await requireOwnFile(systemDisk, join(folder, name), [name, "", start]);
    }
    return;
  }
  throw new UsageError(`${folder} is not new`, {
    expected: "a new or empty folder on a disk that all nodes share",
    got: found.kind === "folder" ? others.slice(0, 3).join(", ") : "a file",
    hint: "hymba array heal runs the missing cells of a submitted study; --out names another folder",
  });
}

async function start(file: ArrayFile, folder: string, { dryRun, json, engine }: Given): Promise<void> {
  const cells = file.cells.map(({ index }) => index);
  if (dryRun) {
    const written = engine === "slurm"
      ? await writeScripts(file, folder)
      : [(await writeManifest(file, folder, { cells })).path];
    if (json) printJson("submit", { folder, written });
    else console.log(written.map((path) => `wrote ${path}`).join("\n"));
    return;
  }
  const job = await submitCells(file, folder, { cells });
  if (json) printJson("submit", { folder, ...job });
  else {console.log(
      `submitted ${cells.length} cells as ${job.id}, and their merge as ${job.merge}\nhymba array status ${folder}`,
    );}
}
