/** A GPU device that is lost several times during a study. HYMBA_LOSSES: the number of losses, by default 2. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomInteger } from "../../core/random.ts";
import { makePlace } from "./command_line.ts";
import { thorough } from "../thorough.ts";

const LOSING = fileURLToPath(new URL("losing_main.ts", import.meta.url));
const place = await makePlace();

async function ablate(
  out: string,
  { steps, loseAt }: { steps: number; loseAt: readonly number[] },
): Promise<{ code: number; error: string; lost: number }> {
  const count = join(place.folder, `${out}-losses`);
  await Deno.writeTextFile(count, "");
  const words = ["ablate", "--preset", "smoke", "--backend", "webgpu", "--data", place.text, "--models", "mamba"];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", LOSING, ...words, "--steps", `${steps}`, "--orpo-steps", "4", "--out", out],
    cwd: place.folder,
    env: { ...place.environment, LOSE_AT: loseAt.join(","), LOSE_COUNT: count },
    stdout: "null",
    stderr: "piped",
  }).output();
  return { code, error: new TextDecoder().decode(stderr), lost: (await Deno.readTextFile(count)).length };
}

/** Metrics without times. */
const linesOf = async (out: string) =>
  (await Deno.readTextFile(join(place.folder, out, "metrics.jsonl"))).trimEnd().split("\n")
    .map((line) => ({ ...JSON.parse(line), tokens_per_s: 0 }));

const weightsOf = (out: string) => Deno.readFile(join(place.folder, out, "arms/mamba-1/control.safetensors"));

thorough("a study continues after losses of its device and ends like an undisturbed one", async () => {
  // Checkpoints are 20 updates apart. Of five losses in a row four come before a checkpoint and the last one after it, at random
  // updates. The very last loss is in the second stage.
  const losses = Number(Deno.env.get("HYMBA_LOSSES") ?? 2), steps = 20 * Math.ceil(losses / 5);
  const counter = { seed: 5, stream: 101, step: 0 };
  const loseAt = Array.from({ length: losses }, (_, i) => {
    return (losses - 1 - i) % 5 === 0 ? 21 + randomInteger(counter, i, 3) : 1 + randomInteger(counter, i, 20);
  });
  const straight = await ablate("straight", { steps, loseAt: [] });
  const disturbed = await ablate("disturbed", { steps, loseAt });
  assert.deepEqual([straight.code, straight.lost], [0, 0], straight.error);
  assert.deepEqual([disturbed.code, disturbed.lost], [0, losses], disturbed.error);
  assert.equal(disturbed.error.split("continuing from the last checkpoint").length - 1, losses);
  assert.deepEqual(await linesOf("disturbed"), await linesOf("straight"));
  assert.deepEqual(await weightsOf("disturbed"), await weightsOf("straight"));
});

thorough("after several losses without progress the program gives up with a hint", async () => {
  const { code, error, lost } = await ablate("hopeless", { steps: 40, loseAt: Array(20).fill(2) });
  assert.equal(code, 1);
  assert.equal(lost, 6, error);
  assert.match(error, /the GPU device was lost .*\n.*destroyed.*\n.*run the same command again/);
});
