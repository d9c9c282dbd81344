/** The Kubernetes manifest against the published schema of a Job. It is not run. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ArrayFile } from "../../cli/shared/array_file.ts";
import { jobName, manifestOf } from "../../cli/shared/kubernetes.ts";
import { cellFolder } from "../../cli/shared/cells.ts";
import { hymba, makePlace } from "../cli/command_line.ts";

const linux = { ignore: Deno.build.os === "windows" };

const file: ArrayFile = {
  format: 1,
  engine: "kubernetes",
  from: "/study",
  train: ["ablate", "my study.toml", "--set", "data.files=it's.txt"],
  merge: ["merge", "--data", "/study/it's.txt"],
  cells: [0, 1, 2].map((index) => ({ index, arm: "hymba", seed: index + 1 })),
  resources: { threads: 2, memory: 2 ** 30, seconds: 600, lastSeconds: 600 },
  image: "registry.example/hymba:1",
  claim: "studies",
  jobs: [],
};

/** What the schema says of each job; undefined, with a printed reason, where its package cannot be fetched. */
async function judged(jobs: readonly object[]): Promise<string[] | undefined> {
  const script = new URL("validate_job.ts", import.meta.url).pathname;
  const args = ["run", "-A", "--no-lock", "--no-check", script];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(jobs)));
  await writer.close();
  const { success, stdout, stderr } = await child.output(), said = new TextDecoder().decode(stderr);
  if (success) return new TextDecoder().decode(stdout).trimEnd().split("\n");
  if (!/npm registry|error sending request|Could not find npm/i.test(said)) throw new Error(said);
  console.log(`skipped: the schema of Kubernetes: ${said.trim().split("\n")[0]}`);
  return undefined;
}

Deno.test("both jobs of a manifest are valid, and a wrong one is not", async () => {
  const { items } = manifestOf(file, { folder: "/study/run", name: "hymba-run-1", cells: [0, 2] });
  const [cells] = items, wrong = { ...cells, spec: { ...cells?.spec, completions: "2" } };
  const limit = { ...cells, spec: { ...cells?.spec, backoffLimitPerIndex: "6" } };
  const said = await judged([...items, wrong, limit]);
  if (said) {
    assert.deepEqual(said.map((line) => line.replace(/^Error: /, "")), [
      "valid",
      "valid",
      "data/spec/completions must be integer",
      "data/spec/backoffLimitPerIndex must be integer",
    ]);
  }
});

Deno.test("every task has its own retries, in pods that are replaced, as a limit per index demands", () => {
  const spec = manifestOf(file, { folder: "/study/run", name: "hymba-run-1", cells: [0, 2] }).items[0]?.spec;
  assert.ok(spec && "backoffLimitPerIndex" in spec);
  assert.deepEqual([spec.completionMode, spec.template.spec.restartPolicy], ["Indexed", "Never"]);
  assert.deepEqual([spec.backoffLimitPerIndex, spec.maxFailedIndexes], [6, 2]);
  assert.ok(!("backoffLimit" in spec), "one limit for all tasks");
});

Deno.test("pod i runs the cell at place i of the list, with words that a shell reads as they were given", async () => {
  const { items } = manifestOf(file, { folder: "/study/run", name: "hymba-run-1", cells: [0, 2] });
  const script = items[0]?.spec.template.spec.containers[0]?.command.at(-1) ?? "";
  // A hymba that prints its words, one a line.
  const shell = script.replace("exec 'hymba'", `exec printf '%s\\n'`);
  const env = { JOB_COMPLETION_INDEX: "1" };
  const { stdout } = await new Deno.Command("/bin/sh", { args: ["-c", shell], env }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).trimEnd().split("\n"), [
    ...["ablate", "my study.toml", "--set", "data.files=it's.txt", "--threads", "2"],
    ...["--out", "/study/run/cells", "--cell", "2"],
  ]);
});

Deno.test("names of jobs are those that Kubernetes takes", () => {
  for (const folder of ["/a/My Study!", "/a/-x-/", "/a/ä", `/a/${"long-".repeat(30)}`]) {
    assert.match(jobName(folder, 12), /^[a-z0-9]([a-z0-9-]{0,55}[a-z0-9])$/);
  }
  assert.equal(jobName("/a/My Study!/", 1), "hymba-my-study-1");
});

Deno.test("heal submits only the merge where all cells are done and no run was merged", linux, async () => {
  const made = await makePlace(), tools = join(made.folder, "bin"), run = join(made.folder, "run");
  const place = { ...made, environment: { ...made.environment, PATH: `${tools}:${Deno.env.get("PATH")}` } };
  await Deno.mkdir(tools);
  await Deno.writeTextFile(join(tools, "kubectl"), "#!/bin/sh\n", { mode: 0o755 });
  await Deno.mkdir(run);
  const first = { id: "hymba-run-1-cells", cells: [0, 1, 2], merge: "hymba-run-1-merge" };
  await Deno.writeTextFile(join(run, "array.json"), JSON.stringify({ ...file, jobs: [first] }));
  for (const index of [0, 1, 2]) {
    const cell = cellFolder(join(run, "cells"), index);
    await Deno.mkdir(cell, { recursive: true });
    for (const name of ["run.json", "checksums.json"]) await Deno.writeTextFile(join(cell, name), "{}");
  }
  const healed = await hymba(place, "array", "heal", run);
  assert.match(healed.out, /^submitted a merge as hymba-run-2-merge$/m, healed.error);
  const { items } = JSON.parse(await Deno.readTextFile(join(run, "hymba-run-2.json")));
  assert.deepEqual(items.map(({ metadata }: { metadata: { name: string } }) => metadata.name), ["hymba-run-2-merge"]);
  await Deno.mkdir(join(run, "merged"));
  await Deno.writeTextFile(join(run, "merged", "checksums.json"), "{}");
  assert.match((await hymba(place, "array", "heal", run)).out, /nothing to heal/);
});
