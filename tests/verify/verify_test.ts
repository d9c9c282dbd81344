import { strict as assert } from "node:assert";
import { join } from "node:path";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { makeFolders, memoryDisk, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { loadRun } from "../../core/record/mod.ts";
import { cellsOf } from "../../core/study/cells.ts";
import { runStudy } from "../../core/study/study.ts";
import { randomInteger } from "../../core/random.ts";
import { writeArtifacts } from "../../core/report/mod.ts";
import { checkChecksums, CHECKSUMS, writeChecksums } from "../../core/verify/checksums.ts";
import { checkArtifacts, checkQualities, checkTraining, sameMachine } from "../../core/verify/verify.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";

/** Random bytes that are flipped, each alone; `VERIFY_FLIPS=10000` for the long count. */
const FLIPS = Number(Deno.env.get("VERIFY_FLIPS") ?? 200);

const failed = (findings: readonly { what: string; ok: boolean }[]) =>
  findings.filter(({ ok }) => !ok).map(({ what }) => what);

Deno.test("a finished run is verified: checksums, artifacts, qualities, training; and each change of it is found", async (t) => {
  const folder = await Deno.makeTempDir(), corpus = madeUpCorpus(), disk = systemDisk;
  const executor = await CpuExecutor.create({ threads: 2 });
  try {
    await runStudy(tinyStudy({ arms: ["mamba", "hymba"] }), {
      ...{ executor, corpus, disk, folder, environment: ENVIRONMENT },
    });
    const run = await loadRun(disk, folder);
    await writeArtifacts(disk, folder, run);
    await writeChecksums(disk, folder);
    const means = { executor, corpus, same: true, run };

    await t.step("nothing differs, and weights, moments, artifacts and records are all on the list", async () => {
      const sums = await checkChecksums(disk, folder), files = sums.map(({ what }) => what);
      assert.deepEqual(failed(sums), []);
      for (const file of ["run.json", "metrics.jsonl", "ablation_results.png", "arms/hymba-1/orpo.safetensors"]) {
        assert.ok(files.includes(file), file);
      }
      assert.deepEqual(failed(await checkArtifacts(disk, folder, run)), []);
      const qualities = await checkQualities(disk, folder, means);
      assert.equal(qualities.length, 6);
      assert.deepEqual(failed(qualities), []);
    });

    await t.step("training again gives the same weights and metrics", async () => {
      const findings = await checkTraining(disk, folder, { ...means, scratch: `${folder}.again` });
      assert.deepEqual(failed(findings), []);
      assert.equal(findings.length, 7);
      assert.equal(await disk.stat(`${folder}.again`), undefined);
      const cells = cellsOf(run.record.study).slice(1), some = { ...means, cells, scratch: `${folder}.again` };
      const part = await checkTraining(disk, folder, some);
      assert.deepEqual(failed(part), []);
      assert.deepEqual([part.length, part.some(({ what }) => what.startsWith("mamba"))], [4, false]);
      await assert.rejects(
        checkTraining(disk, folder, { ...means, same: false, scratch: "unused" }),
        /only on the executor, adapter and kernels of the run/,
      );
      const somebodys = await Deno.makeTempDir();
      await Deno.writeTextFile(join(somebodys, "notes.txt"), "mine");
      await assert.rejects(checkTraining(disk, folder, { ...means, scratch: somebodys }), /is not a run/);
      assert.equal(await Deno.readTextFile(join(somebodys, "notes.txt")), "mine");
    });

    await t.step(`${FLIPS} flipped bytes, each alone, are all found`, async () => {
      const copy = await copied(folder), files = [...copy.files, CHECKSUMS];
      for (let i = 0; i < FLIPS; i++) {
        const draw = (most: number, index: number) => randomInteger({ seed: 9, stream: 100, step: i }, index, most);
        const path = join("run", files[draw(files.length, 0)]!), bytes = await copy.disk.read(path);
        const at = draw(bytes.length, 1), old = bytes[at]!;
        bytes[at] = old ^ (1 + draw(255, 2));
        await writeAtomic(copy.disk, path, bytes);
        assert.notDeepEqual(failed(await checkChecksums(copy.disk, "run")), [], `${path}, byte ${at}`);
        bytes[at] = old;
        await writeAtomic(copy.disk, path, bytes);
      }
      assert.deepEqual(failed(await checkChecksums(copy.disk, "run")), []);
      await copy.disk.remove(join("run", copy.files[0]!));
      await writeAtomic(copy.disk, join("run", "stranger.txt"), "?");
      const findings = await checkChecksums(copy.disk, "run");
      assert.deepEqual(failed(findings), [copy.files[0]]);
      assert.match(findings.find(({ what }) => what === "stranger.txt")!.detail, /not of this run/);
    });

    await t.step("numbers that were edited, checksums and all, are found by deriving them again", async () => {
      const path = join(folder, "arms", "mamba-1", "result.json"), text = await Deno.readTextFile(path);
      const result = JSON.parse(text);
      result.stages.pretraining.final.loss *= 1 - 1e-9;
      await Deno.writeTextFile(path, JSON.stringify(result));
      const edited = await loadRun(disk, folder);
      assert.deepEqual(failed(await checkQualities(disk, folder, { ...means, run: edited })), [
        "mamba, seed 1, pretraining: loss",
      ]);
      await Deno.writeTextFile(path, text);
      await Deno.writeTextFile(join(folder, "ablation_results.csv"), "model\nmine,1\n");
      assert.deepEqual(failed(await checkArtifacts(disk, folder, run)), ["ablation_results.csv, made again"]);
    });
  } finally {
    await executor.close();
    await Deno.remove(folder, { recursive: true });
  }
});

/** The run in memory, where thousands of changes wear nothing out. */
async function copied(folder: string) {
  const disk = memoryDisk(), files = (await checkChecksums(systemDisk, folder)).map(({ what }) => what);
  for (const file of [...files, CHECKSUMS]) {
    const path = join("run", file);
    await makeFolders(disk, join(path, ".."));
    await writeAtomic(disk, path, await systemDisk.read(join(folder, file)));
  }
  return { disk, files };
}

Deno.test("threads do not make another machine, adapters and backends do", () => {
  const record = { backend: "cpu", adapter: { name: "WebAssembly", build: "relaxed", threads: 2 } };
  const same = (other: typeof record) => sameMachine(record, other);
  assert.ok(same({ ...record, adapter: { ...record.adapter, threads: 1 } }));
  assert.ok(!same({ ...record, adapter: { ...record.adapter, build: "plain" } }));
  assert.ok(!same({ ...record, backend: "webgpu" }));
});
