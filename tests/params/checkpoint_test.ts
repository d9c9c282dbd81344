import { strict as assert } from "node:assert";
import { makeFolders, memoryDisk, temporaryName, writeFile } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { type Checkpoint, type Json, loadBest, loadLatest, saveCheckpoint } from "../../core/params/checkpoint.ts";
import { encodeManifest } from "../../core/params/manifest.ts";

const folder = "/run/checkpoints/hymba";

const checkpoint = (
  step: number,
  { stage = "pretrain", score }: { stage?: string; score?: number } = {},
): Checkpoint => ({
  stage,
  step,
  score,
  groups: {
    weights: { w: { dtype: "F32", shape: [3], data: Float32Array.of(step, -0, NaN) } },
    first_moments: { w: { dtype: "F32", shape: [3], data: Float32Array.of(step + 0.5, 1, 2) } },
  },
  state: { epoch: step, text: "ü\n", nested: [null, true, 1e-300] },
  log: { bytes: step, sha256: "0".repeat(64) },
});

async function diskWith(...checkpoints: Checkpoint[]) {
  const disk = memoryDisk();
  for (const each of checkpoints) await saveCheckpoint(disk, folder, each);
  return disk;
}

const steps = async (disk: ReturnType<typeof memoryDisk>) => {
  const names = (await disk.list(folder)).filter((name) => !name.includes("."));
  const manifests = names.map(async (name) => {
    const { stage, step } = JSON.parse(new TextDecoder().decode(await disk.read(`${folder}/${name}/manifest.json`)));
    return `${stage} ${step}`;
  });
  return await Promise.all(manifests);
};

Deno.test("checkpoint: what was saved is loaded, bit for bit", async () => {
  const saved = checkpoint(7, { score: 1.25 });
  const disk = await diskWith(saved);
  assert.deepEqual(await loadLatest(disk, folder), { ...saved, path: `${folder}/checkpoint-000001` });
  const bare = { stage: "orpo", step: 0, groups: {}, state: null };
  await saveCheckpoint(disk, folder, bare);
  const loaded = await loadLatest(disk, folder);
  assert.deepEqual([loaded?.stage, loaded?.score, loaded?.log, loaded?.state], ["orpo", undefined, undefined, null]);
});

Deno.test("checkpoint: without one, there is nothing to load", async () => {
  const disk = memoryDisk();
  assert.equal(await loadLatest(disk, folder), undefined);
  assert.equal(await loadBest(disk, folder), undefined);
});

Deno.test("checkpoint: the two newest, and the newest and best of each stage are kept", async () => {
  const scores = [5, 2, 4, 3, 6];
  const disk = await diskWith(...scores.map((score, i) => checkpoint(i, { score })));
  assert.deepEqual(await steps(disk), ["pretrain 1", "pretrain 3", "pretrain 4"]);
  assert.equal((await loadBest(disk, folder))?.step, 1);
  assert.equal((await loadLatest(disk, folder))?.step, 4);
  for (const step of [10, 20, 30]) await saveCheckpoint(disk, folder, checkpoint(step, { stage: "orpo" }));
  assert.deepEqual(await steps(disk), ["pretrain 1", "pretrain 4", "orpo 20", "orpo 30"]);
  assert.equal((await loadLatest(disk, folder, { stage: "pretrain" }))?.step, 4);
  assert.equal(await loadBest(disk, folder, { stage: "orpo" }), undefined);
});

Deno.test("checkpoint: of equal scores the newest is the best", async () => {
  const disk = await diskWith(checkpoint(1, { score: 3 }), checkpoint(2, { score: 3 }), checkpoint(3, { score: 4 }));
  assert.equal((await loadBest(disk, folder))?.step, 2);
});

Deno.test("checkpoint: one flipped bit in any byte of any file and it does not exist", async () => {
  const disk = await diskWith(checkpoint(1), checkpoint(2));
  const path = `${folder}/checkpoint-000002`;
  let flips = 0;
  for (const name of await disk.list(path)) {
    const sound = await disk.read(`${path}/${name}`);
    for (let at = 0; at < sound.length; at++) {
      const flipped = sound.slice();
      flipped[at]! ^= 1 << (at % 8);
      await writeFile(disk, `${path}/${name}`, flipped);
      const rejected: string[] = [];
      const loaded = await loadLatest(disk, folder, { onRejected: (path) => rejected.push(path) });
      assert.equal(loaded?.step, 1, `${name} byte ${at}`);
      assert.deepEqual(rejected, [path]);
      flips++;
    }
    await writeFile(disk, `${path}/${name}`, sound);
  }
  assert(flips > 500);
  assert.equal((await loadLatest(disk, folder))?.step, 2);
});

Deno.test("checkpoint: with a file missing, cut short or grown it does not exist, and the next save removes it", async () => {
  for (const file of ["manifest.json", "state.json", "weights.safetensors", "first_moments.safetensors"]) {
    for (const change of ["missing", "shorter", "longer"]) {
      const disk = await diskWith(checkpoint(1), checkpoint(2));
      const path = `${folder}/checkpoint-000002/${file}`;
      const bytes = (await disk.stat(path))!.bytes;
      if (change === "missing") await disk.remove(path);
      else await disk.truncate(path, change === "shorter" ? bytes - 1 : bytes + 1);
      assert.equal((await loadLatest(disk, folder))?.step, 1, `${file} ${change}`);
      await saveCheckpoint(disk, folder, checkpoint(3));
      assert.deepEqual(await steps(disk), ["pretrain 1", "pretrain 3"], `${file} ${change}`);
    }
  }
});

Deno.test("checkpoint: only names of its own are read, counted and removed", async () => {
  const disk = await diskWith(checkpoint(1));
  for (const name of ["checkpoint-0000009", "checkpoint-x", "notes"]) await makeFolders(disk, `${folder}/${name}`);
  await writeFile(disk, `${folder}/checkpoint-000009`, new Uint8Array(3));
  assert.equal((await loadLatest(disk, folder))?.step, 1);
  await saveCheckpoint(disk, folder, checkpoint(2));
  assert.deepEqual(await disk.list(folder), [
    "checkpoint-0000009",
    "checkpoint-000001",
    "checkpoint-000010",
    "checkpoint-x",
    "notes",
  ]);
});

Deno.test("checkpoint: a sound manifest of another layout is an error, not a missing checkpoint", async () => {
  const disk = await diskWith(checkpoint(1));
  await makeFolders(disk, `${folder}/checkpoint-000002`);
  const manifest = { format: 2, number: 2, stage: "x", step: 1, score: null, log: null, files: {} };
  const text = new TextEncoder().encode(encodeManifest(manifest));
  await writeFile(disk, `${folder}/checkpoint-000002/manifest.json`, text);
  await assert.rejects(loadLatest(disk, folder), /expected: format 1\n {2}got: {6}format 2/);
});

Deno.test("checkpoint: a manifest cannot name files outside its folder", async () => {
  const disk = await diskWith(checkpoint(1));
  const secret = new TextEncoder().encode("{}\n");
  await writeFile(disk, "/run/secret.json", secret);
  await makeFolders(disk, `${folder}/checkpoint-000002`);
  const files = {
    "../../../secret.json": { bytes: 3, sha256: "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356" },
  };
  const manifest = { format: 1, number: 2, stage: "x", step: 1, score: null, log: null, files };
  const text = new TextEncoder().encode(encodeManifest(manifest));
  await writeFile(disk, `${folder}/checkpoint-000002/manifest.json`, text);
  assert.equal((await loadLatest(disk, folder))?.step, 1);
});

Deno.test("checkpoint: what JSON would change silently is refused before anything is written", async () => {
  const disk = memoryDisk();
  for (const state of [{ best: Infinity }, [NaN], { when: new Date(0) }, { a: undefined }, { m: new Map() }]) {
    const lossy = { ...checkpoint(1), state: state as unknown as Json };
    await assert.rejects(saveCheckpoint(disk, folder, lossy), /state.*which JSON cannot hold/);
  }
  await assert.rejects(saveCheckpoint(disk, folder, checkpoint(1, { score: NaN })), /the score of step 1 is NaN/);
  await assert.rejects(saveCheckpoint(disk, folder, { ...checkpoint(1), groups: { "../x": {} } }), /name of a group/);
  await assert.rejects(saveCheckpoint(disk, folder, { ...checkpoint(1), groups: { State: {} } }), /name of a group/);
  assert.equal(await loadLatest(disk, folder), undefined);
});

Deno.test("checkpoint: without free space nothing is written, and the error names the folder", async () => {
  const disk = memoryDisk({ freeSpace: 1000 });
  await assert.rejects(saveCheckpoint(disk, folder, checkpoint(1)), (error: HymbaError) => {
    assert(error instanceof HymbaError);
    return /not enough free space in \/run\/checkpoints\/hymba/.test(error.message);
  });
  assert.deepEqual(await disk.list(folder), []);
});

Deno.test("checkpoint: a temporary left at the same number does not get in", async () => {
  const disk = await diskWith(checkpoint(1));
  const stale = temporaryName(`${folder}/checkpoint-000002`);
  await makeFolders(disk, stale);
  await writeFile(disk, `${stale}/stale.safetensors`, new Uint8Array(9));
  const path = await saveCheckpoint(disk, folder, checkpoint(2));
  assert(!(await disk.list(path)).includes("stale.safetensors"));
  assert.deepEqual((await disk.list(folder)).length, 2);
});
