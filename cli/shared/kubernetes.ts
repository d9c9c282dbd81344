/** Kubernetes: an indexed Job with a pod for each cell, and a Job that merges. The manifest is JSON, which kubectl reads too. */
import { join } from "node:path";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { type ArrayFile, type ArrayJob, isWhole, placesOf, tasksOf } from "./array_file.ts";

/** Words of a shell, quoted. */
const command = (words: readonly string[]) => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");

/** How often the pod of a task is started again before the Job gives this task up. Other tasks go on. */
const RETRIES = 6;

/** Exit code of a command line that is wrong. It is the same in every pod. */
const USAGE = 2;

/**
 * Which failures of a pod count. A pod that was evicted, or whose node was drained, is replaced and does not count. A command line
 * that is wrong is not tried again.
 */
const FAILURE_POLICY = {
  rules: [
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
    { action: "FailIndex", onExitCodes: { containerName: "hymba", operator: "In", values: [USAGE] } },
  ],
};

/** The pods of a Job: one container with the volume of the claim at the folder of the run. */
function podSpec(
  file: ArrayFile,
  { mount, script, restartPolicy }: { mount: string; script: string; restartPolicy: "Never" | "OnFailure" },
) {
  const { threads, memory } = file.resources, given = { cpu: String(threads), memory: String(memory) };
  return {
    restartPolicy,
    // On SIGTERM a cell saves a checkpoint; the next pod continues from it.
    terminationGracePeriodSeconds: 60,
    containers: [{
      name: "hymba",
      image: file.image ?? "hymba",
      command: ["/bin/sh", "-c", script],
      workingDir: file.from,
      resources: { requests: given, limits: given },
      volumeMounts: [{ name: "run", mountPath: mount }],
    }],
    volumes: [{ name: "run", persistentVolumeClaim: { claimName: file.claim ?? "hymba" } }],
  };
}

interface Placed {
  /** The folder of the run, which is also where the volume is mounted. */
  readonly folder: string;
  readonly name: string;
}

const threadWords = ({ resources: { threads } }: ArrayFile): string[] => ["--threads", String(threads)];

/** The Job of these cells. Pod i takes the task at place i of the list: a cell, with those that branch off its training. */
function cellsJob(file: ArrayFile, { folder, name, cells }: Placed & { cells: readonly number[] }) {
  const words = command(["hymba", ...file.train, ...threadWords(file)]);
  const out = command(["--out", placesOf(file, folder).out]), tasks = [...tasksOf(file, cells).values()];
  const pick = `set -- ${tasks.map((task) => task.join(",")).join(" ")}; shift "$JOB_COMPLETION_INDEX"`;
  const script = `${pick}; exec ${words} ${out} --cell "$1"`;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: `${name}-cells` },
    spec: {
      completionMode: "Indexed",
      completions: tasks.length,
      parallelism: tasks.length,
      // Each task has its own retries, and a task that has used them up does not end the others.
      backoffLimitPerIndex: RETRIES,
      maxFailedIndexes: tasks.length,
      podFailurePolicy: FAILURE_POLICY,
      // A limit per index and a policy for failures are only for pods that are replaced, not restarted.
      template: { spec: podSpec(file, { mount: folder, script, restartPolicy: "Never" }) },
    },
  };
}

/**
 * The last Job: it merges, and chooses where the cells are those of a sweep. `hymba merge` ends with an error while cells are
 * missing, and Kubernetes starts it again, later each time.
 */
function mergeJob(file: ArrayFile, { folder, name }: Placed) {
  const { out, cells, merged } = placesOf(file, folder), threads = threadWords(file);
  const merge = command(["hymba", ...file.merge, ...threads, cells, "--out", merged]);
  const choose = command(["hymba", ...file.train, ...threads, "--out", out]);
  const script = file.sweep ? `${merge}; ${command(isWhole(merged))} && exec ${choose}` : `exec ${merge}`;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: `${name}-merge` },
    spec: {
      backoffLimit: 1000,
      template: { spec: podSpec(file, { mount: folder, script, restartPolicy: "OnFailure" }) },
    },
  };
}

/** Both Jobs as one manifest; without cells only the Job that merges. */
export const manifestOf = (file: ArrayFile, given: Placed & { cells: readonly number[] }) => ({
  apiVersion: "v1",
  kind: "List",
  items: [...(given.cells.length > 0 ? [cellsJob(file, given)] : []), mergeJob(file, given)],
});

/** A valid Kubernetes name, made from the name of the folder. */
export const jobName = (folder: string, number: number): string => {
  const last = folder.split("/").findLast((part) => part !== "") ?? "study";
  const plain = last.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replace(/^-+/, "").slice(0, 40).replace(/-+$/, "");
  return `hymba-${plain || "study"}-${number}`;
};

/** Writes the manifest of these cells. Returns its path. */
export async function writeManifest(
  file: ArrayFile,
  folder: string,
  { cells }: { cells: readonly number[] },
): Promise<{ path: string; name: string }> {
  await makeFolders(systemDisk, folder);
  const name = jobName(folder, file.jobs.length + 1), path = join(folder, `${name}.json`);
  await writeAtomic(systemDisk, path, `${JSON.stringify(manifestOf(file, { folder, name, cells }), undefined, 2)}\n`);
  return { path, name };
}

/** The Jobs of the next submission: their names follow from the folder. */
export function nextKubernetes(file: ArrayFile, folder: string, { cells }: { cells: readonly number[] }): ArrayJob {
  const name = jobName(folder, file.jobs.length + 1);
  return { id: `${name}-${cells.length > 0 ? "cells" : "merge"}`, cells: [...cells], merge: `${name}-merge` };
}

/** Submits these cells to Kubernetes. */
export async function submitKubernetes(
  file: ArrayFile,
  folder: string,
  { cells }: { cells: readonly number[] },
): Promise<ArrayJob> {
  const { path } = await writeManifest(file, folder, { cells });
  const ended = await new Deno.Command("kubectl", { args: ["create", "-f", path] }).output().catch((cause) => {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new HymbaError("there is no kubectl on this machine", {
      hint: `apply ${path} on a machine that has it`,
      cause,
    });
  });
  if (ended.success) return nextKubernetes(file, folder, { cells });
  throw new HymbaError(`kubectl failed with code ${ended.code}`, {
    got: new TextDecoder().decode(ended.stderr).trim().split("\n").slice(0, 5).join("\n            "),
    hint: `fix what kubectl reports, and apply ${path}`,
  });
}
