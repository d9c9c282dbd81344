/** Faults during a whole command: NaN, a clock that jumps, a disk that is gone or full. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { BASE, FAULTY, faulty, numbersOf, place, requireRecovered, undisturbed } from "./faulty.ts";
import { thorough } from "../thorough.ts";

const linux = Deno.build.os === "linux";
const ONE = ["ablate", ...BASE, "--backend", "cpu", "--models", "mamba", "--steps", "22"];

for (
  const { backend, plan, step, stage, tensor } of [
    { backend: "cpu", plan: "training mamba", step: 1, stage: "pretraining", tensor: "loss" },
    { backend: "cpu", plan: "training mamba", step: 21, stage: "pretraining", tensor: "loss" },
    { backend: "cpu", plan: "ORPO mamba", step: 2, stage: "orpo", tensor: "loss" },
    { backend: "webgpu", plan: "training mamba", step: 3, stage: "pretraining", tensor: "loss" },
  ]
) {
  thorough(
    `a NaN at step ${step} of ${stage} on ${backend}: the error has step, tensor and dispatch, and the study continues`,
    async () => {
      const others = backend === "cpu" ? ",transformer-local" : "", folder = `nan-${backend}-${stage}-${step}`;
      const models = ["--backend", backend, "--models", `mamba${others}`];
      const words = ["ablate", ...BASE, ...models, "--steps", "22", "--out", folder];
      const { code, out, error } = await faulty(`nan ${plan} ${step}`, words);
      assert.equal(code, 1, error);
      const where = new RegExp(
        `mamba, ${stage}: training diverged at step ${step}\\n +got: +${tensor}\\[0\\] = NaN, first written by ` +
          `\\w+ \\(step \\d+ of the plan, dispatch(es \\d+ to)? \\d+ of \\d+\\)`,
      );
      assert.match(error, where);
      if (step === 21) assert.match(error, /the checkpoint of step 20 is kept/);
      const report = await Deno.readTextFile(join(place.folder, folder, "detailed_metrics.txt"));
      assert.match(
        report.replaceAll(/\s+/g, " "),
        new RegExp(`mamba, seed 1, stopped early: .*diverged at step ${step}`),
      );
      if (others) assert.match(out, /^transformer-local +/m);
    },
    { unless: step === 21 },
  );
}

thorough("a clock that jumps a day forward and back changes no number", async () => {
  const { code, error } = await faulty("clock", [...ONE, "--out", "clock"]);
  assert.equal(code, 0, error);
  assert.deepEqual(await numbersOf("clock"), await undisturbed(ONE));
});

thorough(
  "a run folder that is removed during the run: exit code 1 and a message; the same call starts again",
  async () => {
    const words = [...ONE.slice(0, -1), "300"],
      child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", FAULTY, ...words, "--out", "gone"],
        cwd: place.folder,
        env: place.environment,
        stdout: "null",
        stderr: "piped",
      }).spawn();
    let error = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      error += text;
      if (/pretraining done=/.test(error)) {
        await Deno.remove(join(place.folder, "gone"), { recursive: true }).catch(() => {});
      }
    }
    assert.equal((await child.status).code, 1, error);
    assert.match(error, /hymba: cannot [^]*gone[^]*\n {2}try: /);
    assert.doesNotMatch(error, /internal error/);
    await requireRecovered(ONE, "gone");
  },
);

/** A shell that runs a script and then the command after it. Mounts and limits end with the shell. */
const shell = (script: string) => ["sh", "-c", `${script}; exec "$@"`, "sh"];
const mounted = (script: string) => ["unshare", "-rm", ...shell(`mkdir -p mnt && ${script} || exit 77`)];

const CANNOT = "skipped: this machine does not allow mounts";

Deno.test({
  name: "a disk of 512 KiB: an ENOSPC error before the first step or at a save, exit code 1",
  ignore: !linux,
  fn: async () => {
    const { code, error } = await faulty(
      "none",
      [...ONE, "--out", "mnt/run"],
      mounted("mount -t tmpfs -o size=512k none mnt"),
    );
    if (code === 77) return console.log(CANNOT);
    assert.equal(code, 1, error);
    assert.match(error, /not enough free space in mnt\/run|no space left|ENOSPC/i);
    assert.match(error, /\n {2}try: /);
  },
});

Deno.test({
  name: "a read-only mount: an EROFS error, exit code 1",
  ignore: !linux,
  fn: async () => {
    const readonly = mounted("mount -t tmpfs -o size=9m none mnt && mount -o remount,ro mnt");
    const { code, error } = await faulty("none", [...ONE, "--out", "mnt/run"], readonly);
    if (code === 77) return console.log(CANNOT);
    assert.equal(code, 1, error);
    assert.match(error, /hymba: cannot make folder mnt\/run: [^]*EROFS[^]*\n {2}try: /);
  },
});

Deno.test({
  name:
    "a limit on the size of files: an EFBIG error if the signal is ignored; without the limit the same call ends normally",
  ignore: !linux,
  fn: async () => {
    const { code, error } = await faulty("none", [...ONE, "--out", "big"], shell("trap '' XFSZ; ulimit -f 40"));
    assert.equal(code, 1, error);
    assert.match(error, /hymba: cannot write [^]*EFBIG[^]*\n {2}try: /);
    await requireRecovered(ONE, "big");
  },
});

Deno.test({
  name: "standard output to /dev/full: exit code 1 and a message, for results, help and streams",
  ignore: !linux,
  fn: async () => {
    await undisturbed(ONE);
    const model = "straight-0/tokenizer.model", full = shell("exec > /dev/full");
    const calls = ["csv straight-0", "csv straight-0 --json", "csv --help", `tokenizer inspect --model ${model}`];
    for (const call of calls) {
      const { code, error } = await faulty("none", call.split(" "), full);
      assert.equal(code, 1, call);
      assert.match(error, /^hymba: cannot write to standard output: No space left .*\n {2}try: .*\n$/, call);
    }
  },
});

globalThis.addEventListener("unload", () => Deno.removeSync(place.folder, { recursive: true }));
