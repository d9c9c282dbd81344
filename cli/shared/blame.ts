/** Runs a blame: tunes the models if that was asked for, trains all of them, and writes what each change adds. */
import { join } from "node:path";
import type { Arm, StudyConfig } from "../../core/config/mod.ts";
import { isTemporary, makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { Diverged, quoted, UsageError } from "../../core/errors.ts";
import { present } from "../../core/lists.ts";
import { writeJson } from "../../core/record/mod.ts";
import { type Blame, blameChart, blameCsv, blameOf, blameText, footerOf } from "../../core/report/mod.ts";
import type { Lattice } from "../../core/study/blame.ts";
import { flagsAt, type Point } from "../../core/study/sweep_grid.ts";
import { type FlagValue, originsOf, type SweepConfig, type Values } from "../../core/study_file/mod.ts";
import { ownStageOf } from "../../core/study_file/stages.ts";
import type { OpenStudy } from "./new_study.ts";
import { runAndWrite } from "./study.ts";
import { trainSweep } from "./sweep.ts";

export interface BlamePlan extends Omit<OpenStudy, "resolved" | "parts"> {
  readonly base: StudyConfig;
  readonly values: Values;
  readonly lattice: Lattice;
  readonly from: string;
  readonly to: string;
  /** The sweep for each model; undefined if nothing is tuned. */
  readonly sweep: SweepConfig | undefined;
  readonly folder: string;
}

/** Names in the folder of a blame. */
const PARTS = {
  sweep: "sweep",
  run: "models",
  csv: "blame.csv",
  json: "blame.json",
  chart: "blame.png",
  text: "blame.txt",
};

/** Throws a UsageError if a folder has other content than a blame. */
async function requireBlameFolder(folder: string): Promise<void> {
  const found = await systemDisk.stat(folder);
  if (!found) return;
  const names = found.kind === "folder" ? await systemDisk.list(folder) : [];
  const { sweep, run, ...tables } = PARTS, isTraining = (name: string) => name === sweep || name === run;
  // The trainings come first, so tables of these names without a training are somebody else's.
  const files = names.some(isTraining) ? Object.values<string>(tables) : [];
  const foreign = names.filter((name) => !isTemporary(name) && !isTraining(name) && !files.includes(name));
  if (found.kind === "folder" && foreign.length === 0) return;
  throw new UsageError(`${folder} is not a blame`, {
    expected: "a new or empty folder, or one that hymba blame wrote",
    got: found.kind === "folder" ? foreign.slice(0, 3).map(quoted).join(", ") : "a file",
    hint: "choose another folder with --out; nothing was changed",
  });
}

/** An arm with the flags for its first stage. */
function withFlags(arm: Arm, flags: readonly FlagValue[], { base, values }: Pick<BlamePlan, "base" | "values">): Arm {
  const prefix = `arms.${arm.name}.`, own = new Map(values);
  for (const { path, value, flag } of flags) {
    if (path.startsWith(prefix)) own.set(path, { value: value as never, origin: { kind: "flag", flag } });
  }
  const stage = ownStageOf(own, { arm: arm.name, T: base.sequenceLength });
  return stage ? { ...arm, pretraining: { ...arm.pretraining, ...stage } } : arm;
}

/** The point that a sweep chose for each model. Throws a HymbaError if every point of a model diverged. */
async function tuned(plan: BlamePlan, study: StudyConfig): Promise<Map<string, Point>> {
  const { base, values, lattice: _, from: __, to: ___, sweep, folder, ...open } = plan,
    points = new Map<string, Point>();
  if (!sweep) return points;
  const swept = await trainSweep({
    ...open,
    base: study,
    values,
    folder: join(folder, PARTS.sweep),
    sweep: { ...sweep, perArm: true },
    resolve: (flags) => ({ ...study, arms: study.arms.map((arm) => withFlags(arm, flags, { base, values })) }),
  });
  const { record } = present(swept, "the outcome of the sweep");
  for (const { arm, point } of record.choices) points.set(arm, point);
  const lost = study.arms.filter(({ name }) => !points.has(name)).map(({ name }) => name);
  if (lost.length > 0) throw new Diverged(`every value of the sweep diverged for ${lost.join(", ")}`);
  const edges = record.choices.filter(({ edge }) => edge.length > 0).map(({ arm }) => arm);
  if (edges.length > 0) {
    open.display.say(`note: no optimum was found for ${edges.join(", ")}: it is at the edge of the grid`);
  }
  return points;
}

/** Trains the missing models and writes the files. Throws a HymbaError if no seed has all models. */
export async function runBlame(plan: BlamePlan): Promise<{ blame: Blame; written: string[] }> {
  const { base, values, lattice, from, to, folder, sweep: _, ...open } = plan;
  await requireBlameFolder(folder);
  const { recall: __, mainArm: ___, ...rest } = base;
  const study: StudyConfig = { ...rest, lastStage: "pretraining", arms: lattice.nodes };
  const choices = await tuned(plan, study);
  const arms = study.arms.map((arm) => {
    const point = choices.get(arm.name);
    return point ? withFlags(arm, flagsAt({ arm: arm.name, point }, "the sweep"), { base, values }) : arm;
  });
  const { run } = await runAndWrite({
    ...open,
    study: { ...study, arms },
    folder: join(folder, PARTS.run),
    origins: originsOf(values),
  });
  const blame = blameOf(run, lattice, { from, to, choices });
  if (!blame) throw new Diverged("a model diverged with every seed, so nothing can be attributed");
  await makeFolders(systemDisk, folder);
  const files = [
    [PARTS.csv, blameCsv(blame)],
    [PARTS.text, blameText(blame)],
    [PARTS.chart, await blameChart(blame, { footer: footerOf(run) })],
  ] as const;
  for (const [name, content] of files) await writeAtomic(systemDisk, join(folder, name), content);
  await writeJson(systemDisk, join(folder, PARTS.json), { format: 1, ...blame });
  return { blame, written: [PARTS.csv, PARTS.text, PARTS.chart, PARTS.json].map((name) => join(folder, name)) };
}
