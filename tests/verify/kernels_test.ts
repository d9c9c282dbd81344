/** The kernels of a run: the hash, the note about other kernels, and the hashes of the committed results. */
import { strict as assert } from "node:assert";
import { kernelsHash, otherKernels } from "../../core/backend/kernels_hash.ts";
import { type Disk, systemDisk } from "../../core/disk/mod.ts";
import { readRecord, runRecordOf, studyLabel } from "../../core/record/mod.ts";
import { RECORD } from "../fuzz/record_target.ts";

const CPU = { backend: "cpu", adapter: { name: "WebAssembly", build: "relaxed", threads: 2 } };
const PLAIN = { ...CPU, adapter: { ...CPU.adapter, build: "plain" } };
const GPU = { backend: "webgpu", adapter: { name: "an adapter" } };

/** The system's disk, on which one file has another text. */
const withFile = (file: string, change: (text: string) => string): Disk => ({
  ...systemDisk,
  read: async (path) => {
    const bytes = await systemDisk.read(path);
    return path.endsWith(file) ? new TextEncoder().encode(change(new TextDecoder().decode(bytes))) : bytes;
  },
});

Deno.test("the hash of kernels follows their code, not their comments, and is that of one executor", async () => {
  const [relaxed, plain, gpu] = await Promise.all([CPU, PLAIN, GPU].map((one) => kernelsHash(systemDisk, one)));
  assert.equal(new Set([relaxed, plain, gpu]).size, 3);
  for (const hash of [relaxed, plain, gpu]) assert.match(hash ?? "", /^[0-9a-f]{64}$/);
  const remarked = withFile("adamw.wgsl", (text) => `// a remark\n${text.replaceAll("\n", "   \n")}`);
  assert.equal(await kernelsHash(remarked, GPU), gpu);
  for (const file of ["adamw.wgsl", "sees.wgsl"]) {
    const changed = withFile(file, (text) => `${text}\nconst MORE = 1u;\n`);
    assert.notEqual(await kernelsHash(changed, GPU), gpu, file);
    assert.equal(await kernelsHash(changed, CPU), relaxed, file);
  }
  assert.notEqual(await kernelsHash(withFile("relaxed.wasm", (text) => `${text}x`), CPU), relaxed);
  assert.equal(await kernelsHash(systemDisk, { ...CPU, adapter: {} }), undefined);
  assert.equal(await kernelsHash(systemDisk, { backend: "abacus", adapter: {} }), undefined);
});

Deno.test("a run made by other kernels is reported, and so is a run whose kernels are unknown", async () => {
  const own = await kernelsHash(systemDisk, CPU);
  assert.equal(await otherKernels(systemDisk, { ...CPU, kernels: own }), undefined);
  assert.match(
    await otherKernels(systemDisk, { ...CPU, kernels: "0".repeat(64) }) ?? "",
    /by the kernels 000000000000, this/,
  );
  assert.match(await otherKernels(systemDisk, CPU) ?? "", /does not say which kernels/);
});

Deno.test("records of older runs, which do not say what made them, are read", () => {
  const { kernels: _, program: __, processor: ___, ...older } = JSON.parse(RECORD);
  const record = runRecordOf(older, "run.json");
  assert.deepEqual([record.kernels, record.program, record.processor], [undefined, undefined, undefined]);
});

const README = await Deno.readTextFile(new URL("../../results/README.md", import.meta.url));
/** The folders that the page says were made by other kernels. */
const [, NAMED = ""] = /<!-- made by other kernels -->\n\*\*(.*?)\*\*/.exec(README) ?? [];
const folders = [...Deno.readDirSync(new URL("../../results", import.meta.url))].filter(({ isDirectory }) =>
  isDirectory
);

for (const { name } of folders) {
  const url = new URL(`../../results/${name}/`, import.meta.url);
  if (![...Deno.readDirSync(url)].some((entry) => entry.name === "run.json")) continue;
  Deno.test(`results/${name} was made by the present kernels, or results/README.md says that it was not`, async () => {
    const other = await otherKernels(systemDisk, await readRecord(systemDisk, url.pathname));
    assert.equal(
      NAMED.includes(`\`${name}/\``),
      other !== undefined,
      `${name}: ${other ?? "made by the present kernels"}`,
    );
  });
}

Deno.test("a run is called by a preset's name alone only when no value differs from the preset's", () => {
  const record = runRecordOf(JSON.parse(RECORD), "run.json");
  const label = (origins: Record<string, string>, preset = "smoke") =>
    studyLabel({ study: { ...record.study, preset }, origins });
  assert.deepEqual(label({}), { kind: "preset", words: "smoke" });
  const choices = { preset: "--preset", seeds: "--seeds", models: "--models", suite: "--suite" };
  assert.deepEqual(label({ ...choices, "model.dModel": "preset smoke" }), { kind: "preset", words: "smoke" });
  assert.equal(label({ "pretraining.steps": "--steps" }).words, "smoke (other pretraining.steps)");
  assert.equal(label({ d: "--set", c: "--set", b: "f.toml:3", a: "--set" }).words, "smoke (other a, b, c and 1 more)");
  assert.deepEqual(label({ "model.dModel": "mine.toml:2" }, "mine"), { kind: "study", words: "mine" });
});
