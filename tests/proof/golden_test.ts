/** Golden cases: those of another implementation, if they are there, and small ones by hand that have to pass or to fail. */
import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { memoryDisk, systemDisk } from "../../core/disk/mod.ts";
import type { Precision } from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { type GoldenRow, runGolden } from "../../core/proof/golden.ts";
import { encodeSafetensors, type StoredTensor } from "../../core/params/safetensors.ts";
import { type Executor, ReferenceExecutor } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { AsGpu } from "../ops/as_gpu.ts";
import { executors } from "../ops/executors.ts";
import { f16Products } from "../ops/f16_products.ts";
import { onTensorCores, tensorCores } from "../ops/tensor_cores.ts";

const FOLDER = new URL("../../../shared/golden", import.meta.url).pathname;

function folderIsThere(): boolean {
  try {
    if (Deno.statSync(FOLDER).isDirectory) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  console.log(`skipped: the golden cases are not at ${FOLDER}`);
  return false;
}

const there = folderIsThere();
const failureText = ({ file, worst, error, bound, message }: GoldenRow) =>
  message ?? `${file}: ${worst} has the error ${error.toExponential(2)}, bound ${bound}`;

async function allPass(executor: Executor, precision: Precision = "f32"): Promise<void> {
  const rows = await runGolden(executor, FOLDER, { disk: systemDisk, precision });
  assert.deepEqual(rows.filter(({ ok }) => !ok).map(failureText), []);
}

Deno.test("golden cases on the float64 reference", { ignore: !there }, () => allPass(new ReferenceExecutor()));

for (const [i, name] of ["WebGPU", "the CPU"].entries()) {
  Deno.test(`golden cases on ${name}`, { ignore: !there }, async () => allPass(at(await executors(), i)));
}

for (const precision of ["bf16", "f16"] as const) {
  Deno.test(
    `golden cases on the CPU with activations in ${precision}`,
    { ignore: !there },
    async () => allPass(at(await executors(), 1), precision),
  );
}

// A software adapter compiles these kernels for minutes.
const exhaustive = Deno.env.get("HYMBA_EXHAUSTIVE") === "1";

Deno.test("golden cases on WebGPU with the kernels of GPUs", { ignore: !there || !exhaustive }, async () => {
  const found = at(await executors(), 0);
  assert.ok(found instanceof WebgpuExecutor);
  await allPass(new AsGpu(found));
});

Deno.test("golden cases on WebGPU with products of operands in f16", { ignore: !there }, async () => {
  const executor = await f16Products();
  if (executor) await allPass(executor, "f16");
});

Deno.test("golden cases on WebGPU with products on tensor cores", { ignore: !there }, async () => {
  const found = await tensorCores();
  // Small tiles, which lavapipe compiles quickly.
  if (found) await allPass(onTensorCores(found, { workgroupBytes: 10 * 1024 }), "f16");
});

Deno.test("golden cases on the CPU without relaxed SIMD", { ignore: !there }, async () => {
  const executor = await CpuExecutor.create({ build: "plain" });
  try {
    assert.equal(executor.build, "plain");
    await allPass(executor);
  } finally {
    await executor.close();
  }
});

type Tensors = Record<string, StoredTensor>;

const f32 = (shape: number[], ...values: number[]): StoredTensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});
const f64 = (shape: number[], ...values: number[]): StoredTensor => ({
  dtype: "F64",
  shape,
  data: Float64Array.from(values),
});

/** y = x / sqrt(mean x²) with eps 0: the mean square of (1, 7) is 25. */
const NORM: Tensors = {
  x: f32([1, 2], 1, 7),
  w: f32([2], 1, 2),
  dy: f32([1, 2], 1, 0),
  y: f64([1, 2], 1 / 5, 14 / 5),
  // dx_i = r (g_i − n_i · mean(g · n)), n = x / 5, g = dy · w
  d_x: f64([1, 2], (1 - 0.2 * 0.1) / 5, (0 - 1.4 * 0.1) / 5),
  d_w: f64([2], 1 / 5, 0),
};
const NORM_METADATA = { op: "rmsnorm", eps: "0" };

/** The result of one file. */
async function rowOf(
  bytes: Uint8Array<ArrayBuffer>,
  executor: Executor = new ReferenceExecutor(),
): Promise<GoldenRow> {
  const disk = memoryDisk();
  await disk.makeFolder("cases");
  await disk.writeSome("cases/case.safetensors", bytes, { offset: 0 });
  const seen: GoldenRow[] = [];
  const rows = await runGolden(executor, "cases", { disk, onCase: (row) => void seen.push(row) });
  assert.deepEqual(seen, rows);
  return at(rows, 0);
}

Deno.test("golden: a case by hand passes, and fails when the error of one number exceeds its bound", async () => {
  const right = await rowOf(encodeSafetensors(NORM, NORM_METADATA));
  assert.deepEqual([right.ok, right.message, right.op], [true, undefined, "rmsnorm"]);
  const wrong = await rowOf(encodeSafetensors({ ...NORM, d_w: f64([2], 1.001 / 5, 0) }, NORM_METADATA));
  assert.deepEqual([wrong.ok, wrong.worst, wrong.bound, wrong.message], [false, "d_w", 1e-4, undefined]);
  assert.ok(Math.abs(wrong.error - 1e-3) < 1e-5, `error ${wrong.error}`);
});

Deno.test("golden: zeros have an absolute bound, and NaN fails", async () => {
  const still = { ...NORM, dy: f32([1, 2], 0, 0), d_x: f64([1, 2], 0, 0), d_w: f64([2], 0, 0) };
  assert.equal((await rowOf(encodeSafetensors(still, NORM_METADATA))).ok, true);
  const off = await rowOf(encodeSafetensors({ ...NORM, d_w: f64([2], 0, 0) }, NORM_METADATA));
  assert.deepEqual([off.ok, off.worst, off.bound], [false, "d_w", 1e-6]);
  const nan = await rowOf(encodeSafetensors({ ...NORM, x: f32([1, 2], NaN, 7) }, NORM_METADATA));
  assert.deepEqual([nan.ok, nan.error, nan.message], [false, Infinity, undefined]);
});

/** A case with window 1: every query sees only itself, so o = v, lse is its own score, and all gradients of scores are zero. */
function aloneCase({ T, H, K, Kv }: { T: number; H: number; K: number; Kv: number }): Uint8Array<ArrayBuffer> {
  const draw = (width: number, step: number) =>
    fillNormal(new Float32Array(T * H * width), { seed: 4, stream: 100, step }, { deviation: 3 });
  const q = draw(K, 0), k = draw(K, 1), v = draw(Kv, 2), dO = draw(Kv, 3);
  const scores = Array.from({ length: T * H }, (_, row) => {
    const keys = k.subarray(row * K, (row + 1) * K);
    return q.subarray(row * K, (row + 1) * K).reduce((sum, x, i) => sum + x * at(keys, i), 0) / Math.sqrt(K);
  });
  const zeros = Array<number>(T * H * K).fill(0), wide = [1, T, H, Kv], narrow = [1, T, H, K];
  const inputs = { q: f32(narrow, ...q), k: f32(narrow, ...k), v: f32(wide, ...v), do: f32(wide, ...dO) };
  const outputs = { o: f64(wide, ...v), lse: f64([1, T, H], ...scores) };
  const gradients = { d_q: f64(narrow, ...zeros), d_k: f64(narrow, ...zeros), d_v: f64(wide, ...dO) };
  const metadata = { op: "attention", window: "1", meta: "0", rope: "none", scale: `${K ** -0.5}` };
  return encodeSafetensors({ ...inputs, ...outputs, ...gradients }, metadata);
}

Deno.test("golden: if each query sees one key, the gradients of the scores are exactly zero on every executor", async () => {
  const bytes = aloneCase({ T: 70, H: 4, K: 8, Kv: 8 });
  for (const executor of [new ReferenceExecutor(), ...await executors()]) {
    const row = await rowOf(bytes, executor);
    assert.ok(row.ok, `${executor.name}: ${failureText(row)}`);
  }
});

const { y: _y, ...WITHOUT_Y } = NORM;
const BAD: [string, Uint8Array<ArrayBuffer>, RegExp][] = [
  ["an unknown kind", encodeSafetensors(NORM, { op: "fft" }), /unknown kind "fft"[^]*selective_scan/],
  ["no kind", encodeSafetensors(NORM, {}), /no "op"/],
  ["a missing parameter", encodeSafetensors(NORM, { op: "rmsnorm" }), /no "eps"/],
  [
    "a parameter that is not a number",
    encodeSafetensors(NORM, { op: "rmsnorm", eps: "small" }),
    /"eps" is not a number/,
  ],
  ["a missing output", encodeSafetensors(WITHOUT_Y, NORM_METADATA), /"y" is missing/],
  ["an unused tensor", encodeSafetensors({ ...NORM, d_b: f64([1], 0) }, NORM_METADATA), /"d_b"/],
  ["inconsistent shapes", encodeSafetensors({ ...NORM, w: f32([3], 1, 1, 1) }, NORM_METADATA), /"w" does not fit/],
  ["a truncated file", encodeSafetensors(NORM, NORM_METADATA).slice(0, -8), /data_offsets|after the file/],
  ["no header", new Uint8Array([1, 2, 3]), /3 bytes, too few/],
];

for (const [what, bytes, message] of BAD) {
  Deno.test(`golden: ${what} gives a failed row with a message`, async () => {
    const row = await rowOf(bytes);
    assert.equal(row.ok, false);
    assert.match(row.message ?? "", message);
  });
}

Deno.test("golden: a folder without cases is a usage error", async () => {
  const disk = memoryDisk();
  await disk.makeFolder("empty");
  for (const folder of ["empty", "absent"]) {
    await assert.rejects(runGolden(new ReferenceExecutor(), folder, { disk }), UsageError);
  }
});
