/** Ctrl-C and SIGTERM: a command saves its work, and the same command continues it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { QUICK } from "../thorough.ts";
import { hymba, makePlace, type Place, start } from "./command_line.ts";

const place = await makePlace();
const SMALL = ["--preset", "smoke", "--backend", "cpu", "--data", place.text, "--orpo-steps", "2"];

/** Waits until standard error contains a text. Returns the text so far, and a promise of the rest. */
async function waitFor(child: Deno.ChildProcess, wanted: RegExp): Promise<{ seen: string; rest: Promise<string> }> {
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (!wanted.test(seen)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`ended without ${wanted}: ${seen}`);
    seen += value;
  }
  const readRest = async () => {
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
    return rest;
  };
  return { seen, rest: readRest() };
}

/** Runs until standard error contains a text, then sends a signal. The process has to end within 5 s. */
async function interrupted(
  where: Place,
  words: string[],
  { signal, when }: { signal: Deno.Signal; when: RegExp },
) {
  const child = start(where, words), { rest } = await waitFor(child, when), sent = performance.now();
  child.kill(signal);
  const [error, { code }] = await Promise.all([rest, child.status]);
  assert.ok(performance.now() - sent < 5000, `${signal} at ${when}: ${performance.now() - sent} ms`);
  await child.stdout.cancel();
  return { code, error };
}

Deno.test({
  name: "Ctrl-C and SIGTERM save the work and print the command that continues it; its results are those of one run",
  ignore: QUICK || Deno.build.os === "windows",
  async fn() {
    const words = ["ablate", ...SMALL, "--models", "mamba", "--steps", "300", "--out"];
    const moments = [
      { signal: "SIGINT", when: /pretraining done=\d/ },
      { signal: "SIGTERM", when: /sampling/ },
      { signal: "SIGINT", when: /orpo/ },
    ] as const;
    for (const moment of moments) {
      const { code, error } = await interrupted(place, [...words, "stopped"], moment);
      assert.equal(code, 1, error);
      assert.match(error, /stopping: saving/);
      assert.match(error, /to continue, repeat the same command:\n {2}hymba ablate --preset smoke .*--out stopped\n/);
    }
    const resumed = await hymba(place, ...words, "stopped"), straight = await hymba(place, ...words, "straight");
    assert.equal(resumed.code, 0, resumed.error);
    assert.doesNotMatch(resumed.error, /pretraining done=10\/300/, "finished steps are not repeated");
    assert.equal(straight.code, 0);
    const lossesOf = async (folder: string) =>
      (await Deno.readTextFile(join(place.folder, folder, "metrics.jsonl"))).split("\n").filter(Boolean)
        .map((line) => JSON.parse(line).loss);
    assert.deepEqual(await lossesOf("stopped"), await lossesOf("straight"));
  },
});

Deno.test({
  name:
    "the first Ctrl-C stops the work, the second ends the process; before there is work, the first ends the process",
  ignore: Deno.build.os === "windows",
  async fn() {
    const script = (listen: boolean) =>
      `import { stopper } from "${new URL("../../cli/ui/run.ts", import.meta.url)}";
       const stop = stopper(() => console.error("asked"));
       ${listen ? "stop.listen();" : ""} console.error("ready"); setInterval(() => {}, 1000);`;
    for (const listen of [true, false]) {
      const child = new Deno.Command(Deno.execPath(), { args: ["eval", script(listen)], stderr: "piped" }).spawn();
      const { rest } = await waitFor(child, /ready/);
      child.kill("SIGINT");
      if (listen) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        child.kill("SIGTERM");
      }
      const [error, { code, signal }] = await Promise.all([rest, child.status]);
      assert.deepEqual([error, code, signal], listen ? ["asked\n", 130, null] : ["", 130, "SIGINT"]);
    }
  },
});
