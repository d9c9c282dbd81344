/**
 * Every operation of a run with four checkpoints fails, once and permanently. The process is also killed before, during and after
 * every operation, and again while it recovers. `HYMBA_EXHAUSTIVE=1` tries every fault at every operation and every pair of
 * kills.
 */
import { strict as assert } from "node:assert";
import { type Disk, DiskError, memoryDisk } from "../../core/disk/mod.ts";
import { type Fault, faultingDisk, FAULTS, Killed, killingDisk } from "./faulting.ts";
import { assertFinished, assertRecovers, nothingPromised, run } from "./scenario.ts";

const folder = "/out/run";
const exhaustive = Deno.env.get("HYMBA_EXHAUSTIVE") === "1";

/** The run finishes from the files that the fault left. */
async function assertGoesOn(disk: Disk, promised: ReturnType<typeof nothingPromised>): Promise<void> {
  await assertRecovers(disk, folder, promised);
  await run(disk, folder);
  await assertFinished(disk, folder);
}

/** One run with a fault. False if the run has fewer operations than `at`. */
async function survives({ at, fault, forever }: { at: number; fault: Fault; forever: boolean }): Promise<boolean> {
  const disk = memoryDisk();
  const faulty = faultingDisk(disk, { at, fault, forever });
  const promised = nothingPromised();
  const error: unknown = await run(faulty.disk, folder, promised).then(() => undefined, (error) => error);
  const { hit } = faulty.seen;
  if (error !== undefined) {
    assert(hit && error instanceof DiskError, `${fault} at ${at}: ${error}`);
    assert.equal(error.exitCode, 1);
    const named = hit.path.replace(/\.partial$/, ""); // the file, without the temporary name that it has first
    assert(error.message.includes(named), `${error.message} does not name ${named}`);
    assert.match(error.message, /^cannot [^]*\n {2}try: /, "says what and what to do");
  }
  await assertGoesOn(disk, promised);
  return hit !== undefined;
}

Deno.test("faults: every operation fails, once and for ever; nothing promised is lost", async () => {
  const stride = exhaustive ? 1 : 3;
  let runs = 0;
  for (const [i, fault] of FAULTS.entries()) {
    for (const forever of [false, true]) {
      for (let at = i % stride; await survives({ at, fault, forever }); at += stride) runs++;
    }
  }
  console.log(`faults: ${runs} runs, ${FAULTS.length} kinds of fault, once and for ever, all recovered`);
  assert(runs > 4000 / stride, `${runs} runs`);
});

const MOMENTS = ["before", "during", "after"] as const;
type Kill = { at: number; when: (typeof MOMENTS)[number] };

/** A run that is killed; false if it ended before. */
async function killed(disk: Disk, { kill, promised }: { kill: Kill; promised: ReturnType<typeof nothingPromised> }) {
  const dying = killingDisk(disk, kill);
  const error: unknown = await run(dying.disk, folder, promised).then(() => undefined, (error) => error);
  if (error !== undefined) assert(error instanceof Killed, `${error}`);
  return dying.seen.hit !== undefined;
}

Deno.test("kills: killed at every operation, and again while it recovers; nothing promised is lost", async () => {
  let single = 0, double = 0;
  const stride = exhaustive ? 1 : 101;
  for (const when of MOMENTS) {
    for (let at = 0;; at++) {
      const disk = memoryDisk(), promised = nothingPromised();
      if (!await killed(disk, { kill: { at, when }, promised })) break;
      await assertGoesOn(disk, promised);
      single++;
      for (let again = at % stride;; again += stride) {
        const disk = memoryDisk(), promised = nothingPromised();
        await killed(disk, { kill: { at, when }, promised });
        if (!await killed(disk, { kill: { at: again, when: MOMENTS[again % 3]! }, promised })) break;
        await assertGoesOn(disk, promised);
        double++;
      }
    }
  }
  console.log(`kills: ${single} points, ${double} points with a second kill, all recovered`);
  assert(single > 400 && double > 1000, `${single} and ${double} kills`);
});

Deno.test("kills: a finished run that is started again stays finished", async () => {
  const disk = memoryDisk();
  await run(disk, folder);
  await run(disk, folder);
  await assertFinished(disk, folder);
});
