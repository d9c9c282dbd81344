import { strict as assert } from "node:assert";
import { join } from "node:path";
import { type NamedPart, type PartFile, partFileOf, PARTS, runPart } from "../../core/bench/all/mod.ts";
import { Absent, Clock, type Part } from "../../core/bench/all/part.ts";
import { earlierPeaks, peaksPart } from "../../core/bench/all/peaks.ts";
import { chipOf, compare, measuredSums, predictedSums, type Survey } from "../../core/bench/all/predictions.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import { at, present } from "../../core/lists.ts";
import { benchPage } from "../../core/report/bench_page.ts";
import { endedBy } from "../../cli/shared/bench_all.ts";
import { hymba, makePlace } from "../cli/command_line.ts";
import { thorough } from "../thorough.ts";
import { NEEDED, packedImports } from "./gpu/packages.ts";
import imports from "../../imports.json" with { type: "json" };

const HEADER = { program: "0", deno: "2", shape: "smoke", B: 4, T: 28, steps: 10, runs: 1 };

/** Runs a part with these seconds, and returns its files. */
async function filesOf(work: Part, seconds = 60): Promise<PartFile[]> {
  const files: PartFile[] = [], part: NamedPart = { name: "tried", seconds, run: work };
  await runPart(part, {
    shape: benchShape("smoke"),
    steps: 1,
    runs: 1,
    where: { backend: "cpu" },
    seconds,
    earlier: () => Promise.resolve(undefined),
    write: (file) => Promise.resolve(void files.push(file)),
  });
  return files;
}

const TABLE = { title: "t", columns: ["a"], rows: [["1"]] };

Deno.test("bench all: a part that fails keeps what it had found, and says why", async () => {
  const files = await filesOf(async ({ keep }) => {
    await keep({ result: { x: 1 }, tables: [TABLE] });
    throw new TypeError("driver");
  });
  assert.deepEqual(files.map(({ state }) => state), ["running", "failed"]);
  const { result, tables, message } = at(files, -1);
  assert.deepEqual([result, tables], [{ x: 1 }, [TABLE]]);
  assert.match(message ?? "", /TypeError: driver\n.*bench_all_test/, "a fault of the program has its stack");
  assert.deepEqual(partFileOf(JSON.parse(JSON.stringify(at(files, -1))), "file"), at(files, -1));
});

Deno.test("bench all: a part stops when its time is up, and a missing feature is no failure", async () => {
  const [late] = await filesOf(({ clock }) => Promise.resolve(clock.over() ? 3 : 0), 0);
  assert.deepEqual([late?.state, late?.message], ["stopped", "the time was up: 3 measurements were left out"]);
  const [absent] = await filesOf(() => Promise.reject(new Absent("no clock")));
  assert.deepEqual([absent?.state, absent?.message], ["absent", "no clock"]);
  assert.equal((await filesOf(() => Promise.resolve(0)))[0]?.state, "done");
});

Deno.test("bench all: a share of a clock ends before it, and the parts take less than eight minutes", () => {
  const clock = new Clock(1000);
  assert.deepEqual([clock.over(), clock.share(Infinity).over(), new Clock(0).share(2).over()], [false, true, true]);
  assert.ok(PARTS.reduce((sum, { seconds }) => sum + seconds, 0) <= 8 * 60);
  assert.equal(new Set(PARTS.map(({ name }) => name)).size, PARTS.length);
});

Deno.test("bench all: a process that crashed or was killed leaves what it had found", () => {
  const found: PartFile = {
    part: "steps",
    state: "running",
    seconds: 1,
    limit_s: 9,
    tables: [TABLE],
    result: { x: 1 },
  };
  const killed = endedBy("steps", found, { seconds: 9.1, limit_s: 9, how: "SIGKILL", said: "" });
  assert.deepEqual(killed, {
    ...found,
    state: "stopped",
    seconds: 9.1,
    message: "it did not end within 9 s and was killed",
  });
  const crashed = endedBy("steps", undefined, { seconds: 2, limit_s: 9, how: "SIGSEGV", said: "Vulkan says -4" });
  assert.deepEqual([crashed.state, crashed.message], ["failed", "its process ended with SIGSEGV: Vulkan says -4"]);
});

Deno.test("bench all: the peaks keep what they have measured after each measurement", async () => {
  const files = await filesOf(peaksPart), results = files.map(({ result }) => Object.keys(result ?? {}).sort());
  assert.deepEqual(results, [
    ["matmul_gflop_per_s"],
    ["matmul_gflop_per_s", "matmul_share", "multiply_add_gflop_per_s", "multiply_add_variant"],
    ["copy_gb_per_s", "matmul_gflop_per_s", "matmul_share", "multiply_add_gflop_per_s", "multiply_add_variant"],
    ["copy_gb_per_s", "matmul_gflop_per_s", "matmul_share", "multiply_add_gflop_per_s", "multiply_add_variant"],
  ]);
  assert.deepEqual(files.map(({ state }) => state), ["running", "running", "running", "done"]);
  const later = (file: PartFile | undefined) => earlierPeaks({ earlier: () => Promise.resolve(file?.result) });
  assert.equal(await later(files[1]), undefined, "without the copies the peaks are measured again");
  const whole = present(await later(files[2]), "peaks");
  assert.ok(whole.copy_gb_per_s > 0 && whole.dispatch_us === null);
});

/** Estimates for two chips: the product takes 6 ms of 10 on the first. */
const SURVEY: Survey = {
  chips: { navi31: "RX 7900 XTX", vega10: "RX Vega 64" },
  estimates: ["navi31", "vega10"].map((chip) => ({
    arm: "hymba",
    stage: "training",
    precision: "f32",
    chip,
    kernels: {
      "matmul_tile x4 A=1": { launches: 2, microseconds: 2000 },
      "matmul_tile x1 A=1": { launches: 1, microseconds: 4000 },
      "rotary": { launches: 1, microseconds: 3950 },
      "tiny": { launches: 1, microseconds: 50 },
    },
  })),
};

Deno.test("bench all: an estimate is wrong when it is off by more than half, alone or as a share of the step", () => {
  assert.equal(chipOf(SURVEY, "AMD Radeon RX 7900 XTX (RADV NAVI31)"), "navi31");
  assert.equal(chipOf(SURVEY, "NVIDIA H200"), undefined);
  const span = (kernel: string, start: number, end: number) => ({ kernel, step: 0, start, end });
  const measured = measuredSums({
    spans: [
      span("matmul_tile x2", 0, 0.006),
      span("matmul_tile x9", 0.007, 0.013),
      span("rotary", 0.013, 0.015),
      span("tiny", 1, 1.0001),
    ],
  });
  const predicted = predictedSums(SURVEY, { arm: "hymba", chip: "navi31" });
  const verdicts = (sameChip: boolean) =>
    compare(measured, predicted, { sameChip }).map((
      { kernel, launches, ratio, wrong },
    ) => [kernel, launches, ratio.toFixed(2), wrong]);
  assert.deepEqual(verdicts(true), [["matmul_tile", 2, "2.00", true], ["rotary", 1, "0.51", true], [
    "tiny",
    1,
    "2.00",
    false,
  ]]);
  assert.deepEqual(verdicts(false), [["matmul_tile", 2, "1.42", false], ["rotary", 1, "0.36", true], [
    "tiny",
    1,
    "1.42",
    false,
  ]]);
  const unforeseen = compare(measured, new Map(), { sameChip: true });
  assert.ok(
    unforeseen.filter(({ kernel }) => kernel !== "tiny").every(({ wrong }) => wrong),
    "a kernel without an estimate",
  );
});

Deno.test("bench all: the committed estimates have what the comparison reads", async () => {
  const committed = JSON.parse(await Deno.readTextFile(new URL("../../results/bench/isa.json", import.meta.url)));
  assert.equal(chipOf(committed, "AMD Radeon RX 7900 XTX (RADV NAVI31)"), "navi31");
  const sums = predictedSums(committed, { arm: "hymba", chip: "navi31" });
  assert.ok(present(sums.get("matmul_tile"), "products").ms > 1);
});

Deno.test("bench all: the page shows every part, and texts of drivers are escaped", () => {
  const rows = Array.from({ length: 40 }, (_, i) => [`<b>${i}</b>`, "1.5"]);
  const part: PartFile = {
    part: "peaks",
    state: "failed",
    seconds: 1,
    limit_s: 2,
    message: "<script>lost</script>",
    tables: [{ title: "T & U", columns: ["kernel", "ms"], rows, note: "below" }],
  };
  const page = benchPage(HEADER, [part]);
  assert.ok(!page.includes("<script>") && !page.includes("<b>"));
  assert.ok(page.includes("T &amp; U") && page.includes("All 40 rows") && page.includes("&lt;script&gt;lost"));
});

Deno.test("bench all --part: one part in this process, with its files; a foreign folder and an unknown part are refused", async () => {
  const place = await makePlace(), out = join(place.folder, "gpu");
  const words = ["bench", "all", "--small", "--backend", "cpu", "--out"];
  const done = await hymba(place, ...words, out, "--part", "memory", "--json");
  assert.equal(done.code, 0, done.error);
  const { command, shape, parts } = JSON.parse(done.out);
  assert.deepEqual([command, shape, parts.length, parts[0].part, parts[0].state], [
    "bench all",
    "smoke",
    1,
    "memory",
    "done",
  ]);
  assert.ok(parts[0].result.plans.length === 15 && parts[0].result.plans[0].model === "hymba");
  const tuned = await hymba(place, ...words, out, "--part", "tune");
  assert.equal(tuned.code, 0, tuned.error);
  const file = JSON.parse(await Deno.readTextFile(join(out, "bench.json")));
  assert.deepEqual(file.parts.map(({ state }: PartFile) => state), ["done", "absent"], "the other part was kept");
  assert.match(await Deno.readTextFile(join(out, "bench.html")), /only WebGPU has tiles/);
  const golden = await hymba(place, ...words, out, "--part", "golden-f32");
  assert.deepEqual([golden.code, /no folder of golden cases/.test(await Deno.readTextFile(join(out, "bench.json")))], [
    0,
    true,
  ]);
  for (const bad of [[place.folder], [out, "--part", "peak"], [out, "--golden", "no such folder"]]) {
    const { code, error } = await hymba(place, ...words, ...bad);
    assert.equal(code, 2, error);
    assert.match(error, /something else in it|unknown part "peak"[^]*peaks|is not a folder/);
  }
  await Deno.remove(place.folder, { recursive: true });
});

thorough("bench all: every part in a process of its own, on the processor, within its minutes", async () => {
  const place = await makePlace(), out = join(place.folder, "gpu"), start = performance.now();
  const { code, error } = await hymba(
    place,
    "bench",
    "all",
    "--small",
    "--backend",
    "cpu",
    "--minutes",
    "1",
    "--out",
    out,
  );
  assert.ok(performance.now() - start < 90_000);
  const { parts } = JSON.parse(await Deno.readTextFile(join(out, "bench.json")));
  assert.deepEqual(parts.map(({ part }: PartFile) => part), PARTS.map(({ name }) => name));
  assert.equal(code, parts.some(({ state }: PartFile) => state === "failed") ? 1 : 0, error);
  await Deno.remove(place.folder, { recursive: true });
});

/** Packages that a module loads by static imports, its own or those of modules that it imports. */
async function packagesOf(entry: URL): Promise<Set<string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry.pathname] }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)), seen = new Set<string>(), found = new Set<string>();
  const visit = (specifier: string): void => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    const module = modules.find((one: { specifier: string }) => one.specifier === specifier);
    for (const { specifier: written, isDynamic, code } of module?.dependencies ?? []) {
      if (isDynamic || !code) continue;
      const [, name] = /^((?:@[^/:]+\/)?[^./:@][^/:]*)(?:\/|$)/.exec(written) ?? [];
      if (name !== undefined) found.add(name);
      else visit(code.specifier);
    }
  };
  visit(entry.href);
  return found;
}

Deno.test("the archive for GPUs has every package that bench all loads, and no other", async () => {
  const loaded = await packagesOf(new URL("../../cli/commands/bench.ts", import.meta.url));
  assert.ok(loaded.has("valibot"));
  assert.deepEqual([...loaded, "webgpu"].sort(), [...NEEDED].sort(), "Dawn is loaded when an adapter is opened");
  const packed = packedImports(imports.imports);
  assert.deepEqual(NEEDED.filter((name) => !Object.hasOwn(packed, name)), []);
  assert.equal(Object.hasOwn(packed, "chart.js"), false);
});
