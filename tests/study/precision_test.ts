import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Precision, PRESETS, usualPrecision } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import type { MetricsLine } from "../../core/record/mod.ts";
import { type Disk, memoryDisk, sha256 } from "../../core/disk/mod.ts";
import { Interrupted, UsageError } from "../../core/errors.ts";
import { runStudy } from "../../core/study/study.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const corpus = madeUpCorpus(), FOLDER = "run", ARM = "hymba";

/** A signal that asks to stop at the check after `looks` checks. */
function stoppingSignal(looks: number): AbortSignal {
  const { signal } = new AbortController();
  let asked = 0;
  Object.defineProperty(signal, "aborted", { get: () => ++asked > looks });
  return signal;
}

async function study(disk: Disk, { precision, signal }: { precision: Precision; signal?: AbortSignal }) {
  const executor = await CpuExecutor.create({ threads: 1 });
  const kept = precision === "f32" ? {} : { precision };
  try {
    return await runStudy({ ...tinyStudy({ arms: [ARM] }), ...kept }, {
      executor,
      corpus,
      disk,
      folder: FOLDER,
      environment: ENVIRONMENT,
      signal,
    });
  } finally {
    await executor.close();
  }
}

const timeless = (metrics: readonly MetricsLine[]) =>
  metrics.map((line) => Object.fromEntries(Object.entries(line).filter(([name]) => !name.endsWith("_s"))));

const weights = (disk: Disk) =>
  Promise.all(
    ["pretraining", "orpo", "control"].map(async (stage) =>
      sha256(await disk.read(`${FOLDER}/arms/${ARM}-1/${stage}.safetensors`))
    ),
  );

/** The study, stopped again and again, each time later, so that it can finish its samples. */
async function interrupted(disk: Disk, precision: Precision) {
  for (let stops = 0;; stops++) {
    try {
      return { stops, run: await study(disk, { precision, signal: stoppingSignal(2 + stops) }) };
    } catch (error) {
      if (!(error instanceof Interrupted) || stops > 100) throw error;
    }
  }
}

for (const precision of ["bf16", "f16"] as const) {
  Deno.test(`${precision}: a study that is stopped again and again ends with the bits of a straight one`, async () => {
    const straight = memoryDisk(), resumed = memoryDisk();
    const run = await study(straight, { precision }), { run: again, stops } = await interrupted(resumed, precision);
    assert.ok(stops > 5, `${stops} stops`);
    assert.equal(run.record.study.precision, precision);
    assert.deepEqual(timeless(again.metrics), timeless(run.metrics));
    assert.deepEqual(await weights(resumed), await weights(straight));
    const scales = run.metrics.filter(({ kind }) => kind === "train").map(({ lossScale }) => lossScale);
    assert.ok(scales.every((scale) => scale === (precision === "f16" ? 2 ** 16 : undefined)), String(scales));
  });
}

Deno.test("precisions have bits of their own, and a run continues with its own only", async () => {
  const found: Record<string, string[]> = {};
  for (const precision of ["f32", "bf16", "f16"] as const) {
    const disk = memoryDisk();
    await study(disk, { precision });
    found[precision] = await weights(disk);
    const other = precision === "f32" ? "bf16" : "f32", now = other === "f32" ? "absent" : other;
    await assert.rejects(study(disk, { precision: other }), (error: UsageError) => {
      assert.ok(error instanceof UsageError);
      const there = precision === "f32" ? "absent" : precision;
      assert.ok(error.message.includes(`study.precision: ${there} there, ${now} now`), error.message);
      return true;
    });
  }
  assert.equal(new Set(Object.values(found).map(([pretrained]) => pretrained)).size, 3);
});

Deno.test("paper on a GPU keeps activations in bf16, as the documented study did; everything else in f32", () => {
  for (const preset of PRESETS) {
    assert.equal(usualPrecision(preset, false), "f32");
    assert.equal(usualPrecision(preset, true), preset === "paper" ? "bf16" : "f32");
  }
  assert.equal(studyOf("paper", { precision: "bf16" }).precision, "bf16");
  assert.ok(!("precision" in studyOf("paper", { precision: "f32" })) && !("precision" in studyOf("paper")));
});
