import { strict as assert } from "node:assert";
import { join } from "node:path";
import { type NamedPart, type PartFile, partFileOf, PARTS, runPart } from "../../core/bench/all/mod.ts";
import { Absent, Clock, type Part } from "../../core/bench/all/part.ts";
import { earlierPeaks, peaksPart } from "../../core/bench/all/peaks.ts";
import { chipOf, compare, measuredSums, predictedSums, type Survey } from "../../core/bench/all/predictions.ts";
import { benchKernels } from "../../core/bench/kernels.ts";
import type { Once } from "../../core/bench/once.ts";
import { wholePeaks } from "../../core/bench/peaks.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { number, readAs } from "../../core/file_schema.ts";
import { at, present } from "../../core/lists.ts";
import { benchPage } from "../../core/report/bench_page.ts";
import { endedBy } from "../../cli/shared/bench_all.ts";
import { hymba, makePlace, start } from "../cli/command_line.ts";
import { thorough } from "../thorough.ts";
import { NEEDED, packedImports } from "./gpu/packages.ts";
import imports from "../../imports.json" with { type: "json" };

const HEADER = { program: "0", deno: "2", shape: "smoke", B: 4, T: 28, steps: 10, runs: 1 };

/** Runs a part with these seconds, and returns its files. */
async function filesOf(
  work: Part,
  { seconds = 60, measured }: { seconds?: number; measured?: PartFile["measured"] } = {},
): Promise<PartFile[]> {
  const files: PartFile[] = [], part: NamedPart = { name: "tried", seconds, run: work };
  await runPart(part, {
    shape: benchShape("smoke"),
    steps: 1,
    runs: 1,
    where: { backend: "cpu" },
    seconds,
    ...measured && { measured },
    earlier: () => Promise.resolve(undefined),
    write: (file) => Promise.resolve(void files.push(structuredClone(file))),
  });
  return files;
}

const tableOf = ({ tables }: PartFile) => tables[0]?.rows ?? [];

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
  const [late] = await filesOf(({ clock }) => Promise.resolve(clock.over() ? 3 : 0), { seconds: 0 });
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

/** The measurements of a part that adds 1, 2 and 3, and whether it fails at the end. */
const adding = (made: string[], { fails = false } = {}): Part => async ({ once, keep }) => {
  let sum = 0;
  for (const name of ["one", "two", "three"]) {
    sum += await once(name, {
      as: (value, path) => readAs(number(), value, path),
      measure: () => Promise.resolve(made.push(name)),
    });
    await keep({ result: { sum }, tables: [] });
  }
  if (fails) throw new HymbaError("wrong");
  return 0;
};

Deno.test("bench all: what a killed part has measured is not measured again, unless the part itself said that it failed", async () => {
  const made: string[] = [], files = await filesOf(adding(made));
  assert.deepEqual(made, ["one", "two", "three"]);
  // Killed at any time, the newest file has every measurement that was made before.
  const counts = files.map(({ measured }) => Object.keys(measured ?? {}).length);
  assert.deepEqual(counts, [1, 1, 2, 2, 3, 3, 3]);
  for (const { measured } of files) {
    const later: string[] = Object.keys(measured ?? {}), ended = at(await filesOf(adding(later), { measured }), -1);
    assert.deepEqual([later, ended.state, ended.result], [made, "done", { sum: 6 }]);
  }
  assert.equal(at(await filesOf(adding([], { fails: true })), -1).measured, undefined);
  const damaged = at(await filesOf(adding([]), { measured: { one: "?" } }), -1);
  assert.match(damaged.message ?? "", /the file of tried: one is not what it should be[^]*expected: a number/);
});

Deno.test("bench all: the peaks keep what they have measured after each measurement", async () => {
  const all = await filesOf(peaksPart), results = all.map(({ result }) => Object.keys(result ?? {}).sort());
  const product = ["matmul_gflop_per_s"], adds = ["multiply_add_gflop_per_s", "multiply_add_variant"];
  const [one, two] = [product, ["matmul_gflop_per_s", "matmul_share", ...adds]], three = ["copy_gb_per_s", ...two];
  assert.deepEqual(results, [[], one, one, two, two, three, three]);
  assert.deepEqual(all.map(({ state }) => state), [...Array<string>(6).fill("running"), "done"]);
  const later = (file: PartFile | undefined) => earlierPeaks({ earlier: () => Promise.resolve(file?.result) });
  assert.equal(await later(all[3]), undefined, "without the copies the peaks are measured again");
  const whole = present(await later(all[5]), "peaks");
  assert.ok(whole.copy_gb_per_s > 0 && whole.dispatch_us === null);
  const again = at(await filesOf(peaksPart, { measured: all[5]?.measured }), -1);
  assert.deepEqual(again.result, at(all, -1).result, "nothing is measured twice");
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

Deno.test("bench all: the checks and times of kernels have names of their own, so that none is measured twice", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }),
    { arms: [arm], B, T } = benchShape("smoke", {
      models: ["transformer-global"],
    });
  const peaks = present(wholePeaks({ copy_gb_per_s: 1, matmul_gflop_per_s: 1 }), "peaks"),
    kept = new Map<string, unknown>();
  const report = (once: Once) =>
    benchKernels(executor, present(arm, "the model"), {
      B,
      T,
      runs: 1,
      ops: ["rotary", "swiglu_forward"],
      peaks,
      once,
    });
  try {
    const first = await report(async (name, { measure }) => {
      assert.ok(!kept.has(name), `${name} is a name twice`);
      const value = await measure();
      kept.set(name, JSON.parse(JSON.stringify(value)));
      return value;
    });
    assert.ok(first.kernels.length >= 3 && kept.size > first.kernels.length);
    assert.deepEqual(await report((name, { as }) => Promise.resolve(as(kept.get(name), name))), first);
  } finally {
    await executor.close();
  }
});

Deno.test("bench all: a killed call continues, and one of another kind is refused", async () => {
  const place = await makePlace(), out = join(place.folder, "gpu"), path = join(out, "parts", "steps-f32.json");
  const words = ["bench", "all", "--small", "--backend", "cpu", "--out", out, "--part", "steps-f32"];
  const read = async () => partFileOf(JSON.parse(await Deno.readTextFile(path)), path);
  const count = async () => Object.keys(await read().then(({ measured }) => measured, () => undefined) ?? {}).length;
  const child = start(place, words);
  while (await count() < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  await child.status;
  await Deno.writeTextFile(join(out, "bench.json.partial"), "{");
  const killed = await read();
  assert.deepEqual([killed.state, tableOf(killed).length], ["running", 1], "the model that was begun is in the table");
  const refused = await hymba(place, ...words, "--threads", "1");
  assert.equal(refused.code, 1);
  assert.match(
    refused.error,
    /measured in another way[^]*threads of the earlier call: not given[^]*got: +1[^]*--again/,
  );
  await Deno.writeTextFile(join(out, "parts", "own.partial"), "of the user");
  const other = await hymba(place, ...words);
  assert.deepEqual([other.code, /something else in it[^]*own\.partial/.test(other.error)], [2, true], other.error);
  await Deno.remove(join(out, "parts", "own.partial"));
  const done = await hymba(place, ...words);
  assert.equal(done.code, 0, done.error);
  const { state, measured, ...rest } = await read();
  assert.deepEqual([state, tableOf({ state, ...rest }).length], ["done", 5]);
  for (const [name, value] of Object.entries(killed.measured ?? {})) assert.deepEqual(measured?.[name], value, name);
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
