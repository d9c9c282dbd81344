/** Loading and saving models: runs, weights in them, checkpoints, and addresses of a server. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Hymba, HymbaError, loadCheckpoint, saveCheckpoint, Trainer, UsageError } from "../../mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";
import { inFolder, small, tokens } from "./small.ts";

const refused = (words: RegExp) => (error: unknown) => error instanceof UsageError && words.test(error.message);
const cpu = { backend: "cpu" };

async function makeRun(folder: string): Promise<void> {
  const executor = await CpuExecutor.create({ threads: 2 }),
    study = tinyStudy({ arms: ["mamba", "hymba"], seeds: [1, 2] });
  try {
    const corpus = madeUpCorpus();
    await runStudy(study, { executor, corpus, disk: systemDisk, folder, environment: ENVIRONMENT });
  } finally {
    await executor.close();
  }
}

/** The files of a folder on a server. */
function serve(folder: string) {
  return Deno.serve({ port: 0, onListen: () => {} }, async ({ url, method }) => {
    const bytes = await Deno.readFile(join(folder, new URL(url).pathname)).catch(() => undefined);
    return bytes ? new Response(method === "HEAD" ? null : bytes) : new Response("absent", { status: 404 });
  });
}

Deno.test("load: the model, seed and stage that a run has, by folder, by file and by address", () =>
  inFolder(async (folder) => {
    const run = join(folder, "run");
    await makeRun(run);
    await using model = await Hymba.load(run, cpu);
    assert.equal(model.config.archType, "hymba");
    const orpo = await Deno.readFile(join(run, "arms/hymba-1/orpo.safetensors"));
    await using fromBytes = await Hymba.create(model.config, cpu);
    fromBytes.loadWeights(orpo);
    assert.deepEqual(await model.generate([[5, 6]]), await fromBytes.generate([[5, 6]]));
    assert.ok((await model.generate("the sun", { maxNewTokens: 5 })).length > 0);

    const path = join(run, "arms/mamba-2/pretraining.safetensors");
    await using chosen = await Hymba.load(run, { model: "mamba", trainingSeed: 2, stage: "pretraining", ...cpu });
    await using byFile = await Hymba.load(path, cpu);
    assert.equal(byFile.config.archType, "mamba");
    assert.deepEqual(await byFile.saveWeights(), await chosen.saveWeights());

    const server = serve(folder), address = `http://127.0.0.1:${server.addr.port}/run`;
    await using far = await Hymba.load(address, { model: "mamba", trainingSeed: 2, stage: "pretraining", ...cpu });
    assert.deepEqual(await far.saveWeights(), await chosen.saveWeights());
    await assert.rejects(Hymba.load(`${address}/nothing`, cpu), refused(/no model at/));
    await server.shutdown();

    const checkpoint = await loadCheckpoint(join(run, "arms/mamba-2/checkpoints"));
    assert.equal(checkpoint?.config.archType, "mamba");
    for (
      const [options, words] of [[{ model: "x" }, /no model/], [{ trainingSeed: 9 }, /no seed/], [
        { stage: "x" },
        /no weights/,
      ]] as const
    ) {
      await assert.rejects(Hymba.load(run, { ...options, ...cpu }), refused(words));
    }
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.slice(0, -4));
    await assert.rejects(
      Hymba.load(path, cpu),
      (error: unknown) => error instanceof HymbaError && error.exitCode === 1,
    );
  }));

Deno.test("load: nothing, a file, and a folder without a model are refused", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.txt"), "text");
    for (const path of [folder, join(folder, "a.txt"), join(folder, "absent")]) {
      await assert.rejects(Hymba.load(path, cpu), refused(/no model at/), path);
    }
  }));

Deno.test("checkpoints: a model comes back with its configuration; the best and the newest are kept", () =>
  inFolder(async (folder) => {
    await using model = await small({ seed: 4 });
    const path = await saveCheckpoint(model, folder);
    await using same = await Hymba.load(folder, cpu);
    await using sameByPath = await Hymba.load(path, cpu);
    assert.deepEqual({ ...same.config }, { ...model.config });
    for (const other of [same, sameByPath]) assert.deepEqual(await other.saveWeights(), await model.saveWeights());
    const loaded = await loadCheckpoint(folder);
    assert.equal(loaded?.weights.embedding?.data.length, 60 * 16);
    await using trainer = await Trainer.create(model, { tokens, steps: 5, length: 16 });
    assert.throws(() => loaded && trainer.restore(loaded), refused(/not of a training/));
    let score = 5;
    for await (const { step } of trainer.run()) {
      await saveCheckpoint(trainer, folder, { score: step === 2 ? 1 : score++ });
    }
    assert.deepEqual([(await loadCheckpoint(folder))?.step, (await loadCheckpoint(folder, { which: "best" }))?.step], [
      5,
      2,
    ]);
    assert.equal(await loadCheckpoint(join(folder, "absent")), undefined);
    await using shorter = await Trainer.create(model, { tokens, steps: 3, length: 16 });
    const last = await loadCheckpoint(folder);
    assert.throws(() => last && shorter.restore(last), refused(/longer training/));
    await assert.rejects(saveCheckpoint(model, folder, { score: NaN }), /score/);
  }));

Deno.test("checkpoints: one that is damaged is passed over, and refused when it is named", () =>
  inFolder(async (folder) => {
    await using model = await small();
    const first = await saveCheckpoint(model, folder), second = await saveCheckpoint(model, folder);
    await Deno.writeFile(join(second, "weights.safetensors"), new Uint8Array(10), { append: true });
    assert.equal((await loadCheckpoint(folder))?.path, first);
    await assert.rejects(loadCheckpoint(second), /is damaged/);
  }));
