/**
 * The power fails at every operation of a run, and again while it recovers. What was not synced is kept or lost at random,
 * torn at 512 bytes. `HYMBA_POWER_STATES` sets the number of disk states (2,000 unless set).
 */
import { strict as assert } from "node:assert";
import { readText, writeFile } from "../../core/disk/mod.ts";
import { uniform } from "../../core/random.ts";
import { Killed } from "./faulting.ts";
import { intercept } from "./intercept.ts";
import { forgetful, PowerLossDisk } from "./power_loss.ts";
import { assertFinished, assertRecovers, nothingPromised, type Promised, run } from "./scenario.ts";

const folder = "/out/run";
const STATES = Number(Deno.env.get("HYMBA_POWER_STATES") ?? 2000);
const SURVIVAL = [0, 0.1, 0.5, 0.9, 1];

/** Random numbers of one simulation, in [0, 1). */
function dice(seed: number): () => number {
  let index = 0;
  return () => uniform({ seed, stream: 0, step: 0 }, index++);
}

/** A power loss; what survives depends on the dice. */
function lose(power: PowerLossDisk, roll: () => number): Promise<PowerLossDisk> {
  const share = SURVIVAL[Math.floor(roll() * SURVIVAL.length)]!;
  return power.lose(() => roll() < share);
}

type Forgets = (path: string) => boolean;
const nothing: Forgets = () => false;

/** One simulation: the power fails at a random operation, up to three times; then the run must recover and finish. */
async function world(seed: number, { forgets = nothing }: { forgets?: Forgets } = {}): Promise<void> {
  const roll = dice(seed);
  const promised: Promised = nothingPromised();
  let power = new PowerLossDisk();
  for (let losses = 1 + Math.floor(roll() ** 3 * 3); losses > 0; losses--) {
    let left = Math.floor(roll() * 200);
    const disk = intercept(forgetful(power.disk, forgets), async (step, perform) => {
      if (left-- <= 0) throw new Killed(`at ${step.operation} ${step.path}`);
      return await perform();
    });
    await run(disk, folder, promised).catch((error) => {
      if (!(error instanceof Killed)) throw error;
    });
    power = await lose(power, roll);
  }
  await assertRecovers(power.disk, folder, promised);
  await run(power.disk, folder);
  await assertFinished(power.disk, folder);
}

Deno.test("power loss: whatever was not synced is lost at any moment; nothing promised is", async () => {
  for (let seed = 0; seed < STATES; seed++) {
    await world(seed).catch((cause) => {
      throw new Error(`world ${seed}`, { cause });
    });
  }
  console.log(`power loss: ${STATES} disk states, all recovered`);
});

/** Every sync a run relies on, by the path that is synced. */
const SYNCS: Record<string, Forgets> = {
  "a checkpoint's weights": (path) => path.endsWith("weights.safetensors"),
  "a checkpoint's moments": (path) => path.endsWith("moments.safetensors"),
  "a checkpoint's state": (path) => path.endsWith("state.json"),
  "a checkpoint's manifest": (path) => path.endsWith("manifest.json"),
  "a checkpoint's folder": (path) => path.endsWith(".partial"),
  "the folder of checkpoints": (path) => path.endsWith("/arm"),
  "the folder above the arms": (path) => path.endsWith("/checkpoints"),
  "the metrics log": (path) => path.endsWith("metrics.jsonl"),
  "the run record": (path) => path.endsWith("run.json.partial"),
  "the run folder": (path) => path === folder,
  "the folder above the run": (path) => path === "/out",
  "the root": (path) => path === "/",
};

for (const [what, forgets] of Object.entries(SYNCS)) {
  Deno.test(`power loss, negative control: without the sync of ${what} the test fails`, async () => {
    for (let seed = 0; seed < 2000; seed++) {
      const failed = await world(seed, { forgets }).then(() => false, () => true);
      if (failed) return;
    }
    assert.fail("no disk state showed that the sync was missing");
  });
}

Deno.test("power loss: the simulator keeps what was synced and can lose, tear and keep the rest", async () => {
  const power = new PowerLossDisk();
  await power.disk.makeFolder("/f");
  await power.disk.syncFolder("/");
  await writeFile(power.disk, "/f/a", new Uint8Array(1024).fill(1));
  const found = new Set<string>();
  const roll = dice(1);
  for (let i = 0; i < 200; i++) {
    const { disk } = await power.lose(() => roll() < 0.5);
    const bytes = await disk.stat("/f/a") ? [...await disk.read("/f/a")] : undefined;
    found.add(bytes ? `${bytes.length}: ${bytes[0]} ${bytes[1023]}` : "none");
  }
  assert.deepEqual([...found].sort(), [
    "0: undefined undefined",
    "1024: 0 0",
    "1024: 0 1",
    "1024: 1 0",
    "1024: 1 1",
    "512: 0 undefined",
    "512: 1 undefined",
    "none",
  ]);
  await power.disk.syncFile("/f/a");
  await power.disk.syncFolder("/f");
  const { disk } = await power.lose(() => false);
  assert.deepEqual(await disk.read("/f/a"), new Uint8Array(1024).fill(1));
  await disk.rename("/f/a", "/f/b");
  await assert.rejects(readText(disk, "/f/a"));
});
