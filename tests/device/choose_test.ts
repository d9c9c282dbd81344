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
  assert.match(choose(all.slice(0, 3))!.name, /Intel/);
  assert.match(choose(all.slice(0, 2))!.name, /llvmpipe/);
  assert.match(choose(all.slice(0, 1))!.name, /SwiftShader/);
  assert.equal(choose([]), undefined);
});

Deno.test("choose: a name, a kind or a class in any case decides", () => {
  const all = vulkan("llvmpipe (LLVM 15.0.6, 256 bits)", "SwiftShader Device (Subzero)", "NVIDIA GeForce RTX 4090");
  assert.match(choose(all, "swiftshader")!.name, /SwiftShader/);
  assert.match(choose(all, "LAVAPIPE")!.name, /llvmpipe/);
  assert.match(choose(all, "llvmpipe")!.name, /llvmpipe/);
  assert.match(choose(all, "software")!.name, /llvmpipe/);
  assert.match(choose(all, "geforce")!.name, /NVIDIA/);
});

Deno.test("choose: an unknown name is a wrong request that lists what is there", () => {
  const all = vulkan("llvmpipe (LLVM 15.0.6, 256 bits)", "SwiftShader Device (Subzero)");
  assert.throws(() => choose(all, "radeon"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /"radeon"/);
    assert.match(error.message, /llvmpipe \(LLVM 15.0.6, 256 bits\).*SwiftShader/);
    return true;
  });
});

Deno.test("kindOf and classOf go by product names", () => {
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
