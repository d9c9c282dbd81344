/** Nothing grows while many studies run in one process. HYMBA_SOAK_SECONDS: the length of each soak, by default 30. */
import { strict as assert } from "node:assert";
import { fillNormal } from "../../core/random.ts";
import { linesOf, soak } from "./soak.ts";
import { grows, slopeOf } from "./slopes.ts";
import { thorough } from "../thorough.ts";

const seconds = Number(Deno.env.get("HYMBA_SOAK_SECONDS") ?? 30);

for (const backend of ["cpu", "webgpu"] as const) {
  thorough(`soak on ${backend}: memory, buffers and open files do not grow`, async () => {
    const found = await soak({ backend, seconds, arm: "hymba" });
    console.log([`${backend}: ${found.studies} studies`, ...linesOf(found)].join("\n"));
    // Processor time depends on other programs on the machine, so only the script checks it.
    assert.deepEqual(found.grown.filter((name) => name !== "cpu"), []);
  });
}

thorough("soak: small leaks of memory and of open files are found", async () => {
  const kept: number[][] = [], files: Deno.FsFile[] = [];
  const found = await soak({
    backend: "cpu",
    seconds: 20,
    arm: "mamba",
    between: () => {
      kept.push(Array.from({ length: 20_000 }, (_, i) => i + kept.length + 0.5));
      files.push(Deno.openSync("/dev/null"));
    },
  });
  for (const file of files) file.close();
  assert.ok(found.grown.includes("objects"), linesOf(found).join("\n"));
  assert.ok(Deno.build.os !== "linux" || found.grown.includes("handles"), linesOf(found).join("\n"));
});

Deno.test("slopes: noise does not grow, a drift is found with its size, and intervals contain the true slope", () => {
  let flat = 0, held = 0;
  for (let trial = 0; trial < 400; trial++) {
    const noise = [...fillNormal(new Float32Array(120), { seed: trial, stream: 103, step: 0 })];
    if (grows(slopeOf(noise.map((value) => 50 + value)), 0)) flat++;
    const { growth, half } = slopeOf(noise.map((value, i) => 50 + 3 * i / 120 + value));
    if (Math.abs(growth - 3) <= half) held++;
  }
  // One-sided 2.5 % of 400 are 10, two-sided 95 % are 380: four standard deviations of a binomial on each side.
  assert.ok(flat <= 22, `${flat} of 400 series without a slope were called growing`);
  assert.ok(held >= 363 && held <= 397, `${held} of 400 intervals hold the slope`);
  assert.ok(grows(slopeOf(Array.from({ length: 36 }, (_, i) => i)), 30));
  assert.ok(!grows(slopeOf(Array.from({ length: 36 }, (_, i) => i)), 40));
  assert.throws(() => slopeOf([1, 2, 3]), RangeError);
});
