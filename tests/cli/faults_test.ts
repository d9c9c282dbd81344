/** Faults that a whole command meets: numbers that are none, a clock that jumps, a disk that is gone or full. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { BASE, FAULTY, faulty, of, place, requireMended, undisturbed } from "./faulty.ts";

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
  Deno.test(`a NaN at step ${step} of ${stage} on ${backend} names step, tensor and dispatch; the study goes on and says so`, async () => {
    const others = backend === "cpu" ? ",transformer-local" : "", out = `nan-${backend}-${stage}-${step}`;
    const words = [
      "ablate",
      ...BASE,
      "--backend",
      backend,
      "--models",
      `mamba${others}`,
      "--steps",
      "22",
      "--out",
      out,
    ];
    const { code, out: said, error } = await faulty(`nan ${plan} ${step}`, words);
    assert.equal(code, 1, error);
    const where = new RegExp(
      `mamba, ${stage}: training diverged at step ${step}\\n +got: +${tensor}\\[0\\] = NaN, first written by ` +
        `\\w+ \\(step \\d+ of the plan, dispatch(es \\d+ to)? \\d+ of \\d+\\)`,
    );
    assert.match(error, where);
    if (step === 21) assert.match(error, /the checkpoint of step 20 is kept/);
    const report = await Deno.readTextFile(join(place.folder, out, "detailed_metrics.txt"));
    assert.match(
      report.replaceAll(/\s+/g, " "),
      new RegExp(`mamba, seed 1, stopped early: .*diverged at step ${step}`),
    );
    if (others) assert.match(said, /^transformer-local +/m);
  });
}

Deno.test("a clock that jumps a day forward and back changes no number", async () => {
  const { code, error } = await faulty("clock", [...ONE, "--out", "clock"]);
  assert.equal(code, 0, error);
  assert.deepEqual(await of("clock"), await undisturbed(ONE));
});

Deno.test("a run folder that is removed in the middle: exit code 1 and words; the same call begins anew", async () => {
  const words = [...ONE.slice(0, -1), "300"],
    child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", FAULTY, ...words, "--out", "gone"],
      cwd: place.folder,
      env: place.environment,
      stdout: "null",
      stderr: "piped",
    }).spawn();
  let said = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (/pretraining done=/.test(said)) {
      await Deno.remove(join(place.folder, "gone"), { recursive: true }).catch(() => {});
    }
  }
  assert.equal((await child.status).code, 1, said);
  assert.match(said, /hymba: cannot [^]*gone[^]*\n {2}try: /);
  assert.doesNotMatch(said, /internal fault/);
  await requireMended(ONE, "gone");
});

/** What a shell does before the command that follows it; its own mounts and limits end with it. */
const shell = (script: string) => ["sh", "-c", `${script}; exec "$@"`, "sh"];
const mounted = (script: string) => ["unshare", "-rm", ...shell(`mkdir -p mnt && ${script} || exit 77`)];

const CANNOT = "not tested here: no mounts of our own on this machine";

Deno.test({
  name: "a disk of 512 KiB: the real ENOSPC is named before the first step or at a save, exit code 1",
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
  name: "a mount that is read-only: EROFS is named, exit code 1",
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
    "a limit on the size of files: EFBIG is named where its signal is ignored; the same call then ends as undisturbed",
  ignore: !linux,
  fn: async () => {
    const { code, error } = await faulty("none", [...ONE, "--out", "big"], shell("trap '' XFSZ; ulimit -f 40"));
    assert.equal(code, 1, error);
    assert.match(error, /hymba: cannot write [^]*EFBIG[^]*\n {2}try: /);
    await requireMended(ONE, "big");
  },
});

Deno.test({
  name: "standard output that takes nothing (/dev/full): exit code 1 and words, for results, help and streams",
  ignore: !linux,
  fn: async () => {
    await undisturbed(ONE);
    const model = "straight-0/tokenizer.model", full = shell("exec > /dev/full");
    const calls = [["csv", "straight-0"], ["csv", "straight-0", "--json"], ["csv", "--help"], [
      "tokenizer",
      "inspect",
      "--model",
      model,
    ]];
    for (const words of calls) {
      const { code, error } = await faulty("none", words, full);
      assert.equal(code, 1, words.join(" "));
      assert.match(error, /^hymba: cannot write to standard output: No space left .*\n {2}try: .*\n$/, words.join(" "));
    }
  },
});

globalThis.addEventListener("unload", () => Deno.removeSync(place.folder, { recursive: true }));
