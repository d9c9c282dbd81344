import assert from "node:assert/strict";
import { choose, classOf, kindOf } from "../../core/device/choose.ts";
import { UsageError } from "../../core/errors.ts";

const vulkan = (...names: string[]) => names.map((name) => ({ backend: "vulkan", name }));

Deno.test("choose: hardware before lavapipe before SwiftShader, discrete before integrated", () => {
  const all = vulkan(
    "SwiftShader Device (Subzero)",
    "llvmpipe (LLVM 15.0.6, 256 bits)",
    "Intel(R) UHD Graphics 620 (KBL GT2)",
    "NVIDIA GeForce RTX 4090",
  );
  assert.equal(choose(all)?.name, "NVIDIA GeForce RTX 4090");
  const best = (count: number) => choose(all.slice(0, count))?.name ?? "";
  assert.match(best(3), /Intel/);
  assert.match(best(2), /llvmpipe/);
  assert.match(best(1), /SwiftShader/);
  assert.equal(choose([]), undefined);
});

Deno.test("choose: part of a name, a kind or a class, in any case", () => {
  const all = vulkan("llvmpipe (LLVM 15.0.6, 256 bits)", "SwiftShader Device (Subzero)", "NVIDIA GeForce RTX 4090");
  const chosen = (wanted: string) => choose(all, wanted)?.name ?? "";
  assert.match(chosen("swiftshader"), /SwiftShader/);
  assert.match(chosen("LAVAPIPE"), /llvmpipe/);
  assert.match(chosen("llvmpipe"), /llvmpipe/);
  assert.match(chosen("software"), /llvmpipe/);
  assert.match(chosen("geforce"), /NVIDIA/);
});

Deno.test("choose: an unknown name is a usage error that lists the adapters", () => {
  const all = vulkan("llvmpipe (LLVM 15.0.6, 256 bits)", "SwiftShader Device (Subzero)");
  assert.throws(() => choose(all, "radeon"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /"radeon"/);
    assert.match(error.message, /llvmpipe \(LLVM 15.0.6, 256 bits\).*SwiftShader/);
    return true;
  });
});

Deno.test("kindOf and classOf use product names", () => {
  const cases: [string, ReturnType<typeof kindOf>, ReturnType<typeof classOf>][] = [
    ["Microsoft Basic Render Driver", "warp", "software"],
    ["llvmpipe (LLVM 19.1, 512 bits)", "lavapipe", "software"],
    ["NVIDIA GeForce GTX 1650", "hardware", "discrete"],
    ["NVIDIA Tegra Orin", "hardware", "integrated"],
    ["AMD Radeon RX 7900 XTX (RADV NAVI31)", "hardware", "discrete"],
    ["AMD Radeon Graphics (RADV RENOIR)", "hardware", "integrated"],
    ["AMD Radeon 780M (RADV PHOENIX)", "hardware", "integrated"],
    ["Intel(R) Arc(tm) A770 Graphics (DG2)", "hardware", "discrete"],
    ["Intel(R) Arc(tm) Graphics (MTL)", "hardware", "integrated"],
    ["Apple M3 Max", "hardware", "apple"],
    ["Mali-G78", "hardware", "integrated"],
  ];
  for (const [name, kind, adapterClass] of cases) assert.deepEqual([kindOf(name), classOf(name)], [kind, adapterClass]);
});
