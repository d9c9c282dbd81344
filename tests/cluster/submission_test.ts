/** A submission that is killed between two commands of Slurm, or refused. Slurm is two scripts here that keep a queue in a file. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "../cli/command_line.ts";

const made = await makePlace(), tools = join(made.folder, "bin"), queue = join(tools, "queue");
const place = { ...made, environment: { ...made.environment, PATH: `${tools}:${Deno.env.get("PATH")}` } };

/** sbatch gives numbers to jobs. What the file `plan` says happens at the next call: refuse, kill-before or kill-after. */
const SBATCH = `#!/bin/sh
for script in "$@"; do :; done
plan=$(cat ${tools}/plan 2>/dev/null); rm -f ${tools}/plan
[ "$plan" = refuse ] && echo "invalid partition" >&2 && exit 1
[ "$plan" = kill-before ] && kill -9 $PPID && exit 1
echo "$*" >> ${tools}/calls
id=$(( $(wc -l < ${queue}) + 1 ))
echo "$id|$(sed -n 's/^#SBATCH --job-name=//p' "$script")" >> ${queue}
[ "$plan" = kill-after ] && kill -9 $PPID
echo $id
`;
/** squeue lists ids and names, or says of a job that its first task waits. */
const SQUEUE = `#!/bin/sh
case "$*" in *--name=*) cat ${queue};; *) for id in "$@"; do :; done; echo "\${id}_0|PENDING|Priority|";; esac
`;

await Deno.mkdir(tools);
for (const [name, text] of [["sbatch", SBATCH], ["squeue", SQUEUE]] as const) {
  await Deno.writeTextFile(join(tools, name), text, { mode: 0o755 });
}

const WORDS = ["submit", "--preset", "smoke", "--models", "mamba,hymba", "--backend", "cpu", "--threads", "1"];

async function submit(run: string, plan?: string) {
  await Deno.writeTextFile(queue, "");
  if (plan) await Deno.writeTextFile(join(tools, "plan"), plan);
  return await hymba(place, ...WORDS, "--data", place.text, "--engine", "slurm", "--out", run);
}

async function arrayOf(run: string) {
  const { jobs, submitting } = JSON.parse(await Deno.readTextFile(join(place.folder, run, "array.json")));
  return { jobs, submitting };
}

const linux = { ignore: Deno.build.os === "windows" };

Deno.test(
  "killed when Slurm has the array: the array is found by its name",
  linux,
  async () => {
    const killed = await submit("after", "kill-after");
    assert.notEqual(killed.code, 0);
    const { jobs, submitting } = await arrayOf("after");
    assert.deepEqual([jobs, submitting.cells], [[], [0, 1]]);
    const status = await hymba(place, "array", "status", "after", "--json");
    assert.equal(JSON.parse(status.out).cells[0].queue, "PENDING (Priority)", status.error);
    assert.deepEqual(await arrayOf("after"), { jobs: [{ id: "1", cells: [0, 1] }], submitting: undefined });
    // Cell 1 is in no queue. The merge waits for it, and for the array that is still there.
    const healed = await hymba(place, "array", "heal", "after");
    assert.match(healed.out, /^submitted cells 1 as 2, and a merge as 3$/m, healed.error);
    const calls = await Deno.readTextFile(join(tools, "calls"));
    assert.match(calls.trim().split("\n").at(-1) ?? "", /--dependency=afterany:1:2 /);
  },
);

Deno.test("killed before Slurm has anything: heal submits all cells", linux, async () => {
  assert.notEqual((await submit("before", "kill-before")).code, 0);
  const healed = await hymba(place, "array", "heal", "before");
  assert.match(healed.out, /^submitted cells 0, 1 as 1, and a merge as 2$/m, healed.error);
  assert.deepEqual((await arrayOf("before")).jobs, [{ id: "1", cells: [0, 1], merge: "2" }]);
});

Deno.test(
  "refused by Slurm: nothing is kept, and the same command works when the fault is put right",
  linux,
  async () => {
    const refused = await submit("refused", "refuse");
    assert.equal(refused.code, 1);
    assert.match(refused.error, /sbatch failed with code 1[^]*invalid partition/);
    const again = await submit("refused");
    assert.equal(again.code, 0, again.error);
    assert.deepEqual((await arrayOf("refused")).jobs, [{ id: "1", cells: [0, 1], merge: "2" }]);
  },
);

Deno.test(
  "paths that sbatch or a volume cannot take are refused before anything is written; % in a path stays a %",
  linux,
  async () => {
    const own = [...WORDS, "--data", place.text, "--dry-run"];
    for (
      const [out, pattern] of [["new\nline", /Slurm cannot take the path/], [
        "back\\slash",
        /without backslashes/,
      ]] as const
    ) {
      const { code, error } = await hymba(place, ...own, "--engine", "slurm", "--out", out);
      assert.equal(code, 2, error);
      assert.match(error, pattern);
      assert.ok(!Array.from(Deno.readDirSync(place.folder), ({ name }) => name).includes(out));
    }
    const kubernetes = ["--engine", "kubernetes", "--image", "x", "--claim", "y", "--out", "a:b"];
    const { code, error } = await hymba(place, ...own, ...kubernetes);
    assert.equal(code, 2, error);
    assert.match(error, /Kubernetes cannot mount a volume[^]*without a colon/);
    assert.equal((await hymba(place, ...own, "--engine", "slurm", "--out", "50%j")).code, 0);
    assert.match(
      await Deno.readTextFile(join(place.folder, "50%j", "cells.sbatch")),
      /--output=".*\/50%%j\/logs\/cell-%a\.log"/,
    );
  },
);
