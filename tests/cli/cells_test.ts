/** Cells of a study in several processes on one machine. `HYMBA_EXHAUSTIVE=1` also stops by Ctrl-C, and sweeps. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemDisk } from "../../core/disk/mod.ts";
import { thorough } from "../thorough.ts";
import { bitsOf } from "./bits.ts";
import { hymba, makePlace, start } from "./command_line.ts";

const place = await makePlace(), exhaustive = Deno.env.get("HYMBA_EXHAUSTIVE") === "1";
/** Words of a study of these models. */
const study = ({ models = "mamba,hymba", threads, steps }: { models?: string; threads: number; steps: number }) => [
  ...["--preset", "smoke", "--backend", "cpu", "--data", place.text, "--models", models],
  ...["--threads", String(threads), "--steps", String(steps)],
];
const SHORT = ["--orpo-steps", "2", "--set", "recall.probe=false"];
const SMALL = [...study({ threads: 1, steps: 4 }), ...SHORT];

Deno.test("two processes with cells side by side and one cache folder: both end, and both are in the score", async () => {
  const cells = ["0", "1"].map((cell) => hymba(place, "ablate", ...SMALL, "--out", "side", "--cell", cell));
  for (const { code, error } of await Promise.all(cells)) assert.equal(code, 0, error);
  const folder = join(place.folder, "cache", "hymba", "estimates");
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => name.endsWith(".json"));
  assert.equal(names.length, 1);
  const { entries } = JSON.parse(await Deno.readTextFile(join(folder, names[0] ?? "")));
  assert.deepEqual(entries.map(({ what }: { what: string }) => what), ["cell", "cell"]);
});

Deno.test("a score that cannot be kept is a warning, and the study ends as usual", async () => {
  const cache = join(place.folder, "cache", "hymba");
  await Deno.rename(join(cache, "estimates"), join(cache, "before"));
  await Deno.writeTextFile(join(cache, "estimates"), "in the way");
  const { code, error } = await hymba(place, "ablate", ...SMALL, "--out", "blocked", "--cell", "0");
  assert.equal(code, 0, error);
  assert.match(error, /warning: the score of estimates is left out, and the study continues: cannot make folder/);
  await Deno.remove(join(cache, "estimates"));
  await Deno.rename(join(cache, "before"), join(cache, "estimates"));
});

const SLOW = [...study({ threads: 2, steps: 60 }), ...SHORT, "--set", "pretraining.evaluateEvery=10"];

/** The processes that a process has started, by Linux's list. */
async function childrenOf(pid: number): Promise<number[]> {
  const path = `/proc/${pid}/task/${pid}/children`;
  return (await Deno.readTextFile(path)).split(" ").filter((word) => word !== "").map(Number);
}

/** Waits until it holds; at most two minutes, for busy machines. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 6000; waited++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("it did not happen within two minutes");
}

/** Whether a cell has written a checkpoint. */
async function hasBegun(folder: string): Promise<boolean> {
  const found = ["cell-0/arms/mamba-1", "cell-1/arms/hymba-1"].map((cell) =>
    systemDisk.stat(join(place.folder, `${folder}-cells`, cell, "checkpoints", "checkpoint-000001"))
  );
  return (await Promise.all(found)).some((one) => one !== undefined);
}

/** Starts a study in two jobs and calls `disturb` with its process when a cell has begun. */
async function disturbed(folder: string, disturb: (child: Deno.ChildProcess, said: () => string) => Promise<void>) {
  const child = start(place, ["ablate", ...SLOW, "--jobs", "2", "--out", folder]);
  let error = "";
  const listening = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) error += text;
  })();
  await until(() => hasBegun(folder));
  await disturb(child, () => error);
  const [{ code }] = await Promise.all([child.status, listening, child.stdout.cancel()]);
  return { code, error };
}

thorough("two jobs make the run of one process, also when they are killed or stopped", async (t) => {
  if (Deno.build.os !== "linux") return console.log("skipped: the processes of a process are read from Linux");
  const whole = await hymba(place, "ablate", ...SLOW, "--out", "whole");
  assert.equal(whole.code, 0, whole.error);
  const bits = await bitsOf(place, "whole"), again = ["ablate", ...SLOW, "--jobs", "2", "--out"];
  assert.ok(Object.keys(bits).length > 20);

  await t.step("a killed cell is started again; a killed command continues when it is repeated", async () => {
    await disturbed("killed", async (child, said) => {
      Deno.kill((await childrenOf(child.pid))[0] ?? 0, "SIGKILL");
      await until(() => Promise.resolve(/the process of cell [01] was killed \(SIGKILL\): starting it/.test(said())));
      child.kill("SIGKILL");
    });
    const { code, error } = await hymba(place, ...again, "killed");
    assert.equal(code, 0, error);
    assert.deepEqual(await bitsOf(place, "killed"), bits);
    assert.equal(await systemDisk.stat(join(place.folder, "killed-cells")), undefined);
  });

  const name = "Ctrl-C saves everything, another study is refused there, and the same command continues";
  await t.step({ name, ignore: !exhaustive, fn: stopped });
  async function stopped() {
    let children: number[] = [];
    const { code, error } = await disturbed("stopped", async (child) => {
      children = await childrenOf(child.pid);
      child.kill("SIGINT");
    });
    assert.equal(code, 1, error);
    assert.match(error, /stopping: saving[^]*repeat the same command[^]*hymba: stopped; every cell has saved/);
    assert.equal(children.length, 2);
    for (const pid of children) assert.equal(await systemDisk.stat(`/proc/${pid}`), undefined);
    const other = await hymba(place, ...again, "stopped", "--rate", "2e-3");
    assert.equal(other.code, 2, other.error);
    assert.match(other.error, /stopped-cells\/cell-\d is a cell of another study[^]*rate/);
    const rest = await hymba(place, ...again, "stopped");
    assert.equal(rest.code, 0, rest.error);
    assert.deepEqual(await bitsOf(place, "stopped"), bits);
  }
});

const sweeping = { ignore: !exhaustive };
Deno.test("a sweep in two jobs chooses like a sweep in one process", sweeping, async () => {
  const words = ["sweep", ...study({ models: "mamba", threads: 2, steps: 4 })];
  const over = ["--over", "pretraining.rate=1e-3,2e-2", "--per-arm", "--extend", "0", "--seeds", "1"];
  for (const [folder, more] of [["swept", []], ["swept-2", ["--jobs", "2"]]] as const) {
    const { code, error } = await hymba(place, ...words, ...over, ...more, "--out", folder);
    assert.equal(code, 0, error);
  }
  const read = (path: string) => Deno.readTextFile(join(place.folder, path));
  assert.equal(await read("swept-2/sweep.csv"), await read("swept/sweep.csv"));
  assert.deepEqual(await bitsOf(place, "swept-2"), await bitsOf(place, "swept"));
});

Deno.test("what --jobs cannot do is refused in words", async () => {
  for (
    const [more, expected] of [
      [["--jobs", "2", "--cell", "0"], /--cell and --jobs exclude each other/],
      [["--jobs", "3"], /3 jobs need a thread each[^]*at most 2/],
    ] as const
  ) {
    const { code, error } = await hymba(place, "ablate", ...SLOW, ...more, "--out", "refused");
    assert.equal(code, 2, error);
    assert.match(error, expected);
  }
});
