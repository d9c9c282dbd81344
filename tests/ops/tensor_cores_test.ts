/** Products on tensor cores, compared with the float64 reference; and which product an adapter's tensor cores are used for. */
import { strict as assert } from "node:assert";
import type { Device } from "../../core/device/mod.ts";
import { joinedToggles } from "../../core/device/matrix_shapes.ts";
import { HymbaError } from "../../core/errors.ts";
import { matrixUnitOf, requireMatrixUnit, sizeOfMatrixTile, tilesOf } from "../../core/webgpu/matrix_unit.ts";
import { matrixKernel } from "../../core/webgpu/ops/matrix_product.ts";
import { checkOverflow, checkProducts, type ProductShape } from "./f16_bounds.ts";
import { onTensorCores, tensorCores } from "./tensor_cores.ts";

/** Less than a matrix, tiles that end within a matrix or a four, slices of wider matrices, and rows of whole fours. */
const SHAPES: readonly ProductShape[] = [
  { M: 1, N: 1, K: 1 },
  { M: 3, N: 130, K: 33 },
  { M: 63, N: 65, K: 257 },
  { M: 65, N: 36, K: 76, margin: 4, accumulate: true },
  { M: 132, N: 136, K: 40, accumulate: true },
  { M: 9, N: 33, K: 70, margin: 3, accumulate: true },
  { M: 128, N: 128, K: 32 },
];
/** k is cut into slices here where the class wants many workgroups. */
const DEEP: ProductShape = { M: 6, N: 8, K: 2000, accumulate: true };

/** Room for tiles of 32 × 32, 64 × 64 and 128 × 128 of f16. lavapipe compiles a large tile for a long time. */
const ROOM = { small: 10 * 1024, middle: 16 * 1024, large: 32 * 1024 } as const;

const CASES: readonly (readonly [keyof typeof ROOM, ProductShape])[] = [
  ...[...SHAPES, DEEP].map((shape) => ["small", shape] as const),
  ["middle", { M: 63, N: 65, K: 40 }],
  ["large", { M: 129, N: 36, K: 33 }],
];

for (const [room, shape] of CASES) {
  Deno.test(`tensor cores: ${room} tiles, ${JSON.stringify(shape)}: elements and RMS within their bounds`, async () => {
    const found = await tensorCores();
    if (!found) return;
    const executor = onTensorCores(found, { workgroupBytes: ROOM[room] });
    await checkProducts(executor, { ...shape, kernel: "matmul_subgroup_matrix" });
  });
}

Deno.test("tensor cores: k in slices, whose sums are added in order", async () => {
  const found = await tensorCores();
  if (!found) return;
  const executor = onTensorCores(found, { adapterClass: "discrete", workgroupBytes: ROOM.small });
  await checkProducts(executor, { ...DEEP, kernel: "matmul_subgroup_matrix" });
  await checkProducts(executor, { ...DEEP, kernel: "sum_partials" });
});

Deno.test("tensor cores: an operand beyond f16 makes its own row infinite or no number, and no other", async () => {
  const found = await tensorCores();
  if (found) await checkOverflow(onTensorCores(found, { workgroupBytes: ROOM.small }));
});

/** Sizes of matrices that GPUs have, and what their operands are. */
const CONFIGURATIONS = [["f16", 16, 16, 16], ["f16", 16, 8, 8], ["f16", 8, 16, 16], ["f16", 8, 8, 8], [
  "f32",
  8,
  8,
  8,
]] as const;

Deno.test("tensor cores: the text of the kernel is valid WGSL for every size of matrix", async () => {
  const found = await tensorCores();
  if (!found) return;
  for (const [component, M, N, K] of CONFIGURATIONS) {
    const unit = { ...found.unit, component, M, N, K, lanes: 32 };
    for (const tile of tilesOf(unit)) {
      for (const fours of [true, false]) {
        const { code, name } = matrixKernel(unit, { tile, fours: [fours, fours, fours] });
        const module = found.device.device.createShaderModule({ code });
        const { messages } = await module.getCompilationInfo();
        assert.deepEqual(messages.map(({ lineNum, message }) => `${name} ${lineNum}: ${message}`), []);
      }
    }
  }
});

/** A device with these matrices and subgroups. */
const deviceWith = (
  matrixShapes: Device["matrixShapes"],
  { subgroups = [32, 32], without = "", bytes = 32768 }: { subgroups?: number[]; without?: string; bytes?: number } =
    {},
): Pick<Device, "info" | "features" | "limits" | "matrixShapes"> => {
  const features = ["shader-f16", "subgroups", "subgroup-size-control", "chromium-experimental-subgroup-matrix"];
  const [subgroupMinSize = 0, subgroupMaxSize = 0] = subgroups;
  return {
    info: { name: "made up", subgroupMinSize, subgroupMaxSize } as Device["info"],
    limits: { maxComputeWorkgroupStorageSize: bytes, maxComputeInvocationsPerWorkgroup: 256 } as Device["limits"],
    features: new Set(features.filter((name) => name !== without)),
    matrixShapes,
  };
};

const shape = (component: string, result: string, sizes: [M: number, N: number, K: number]) => {
  const [M, N, K] = sizes;
  return { component, result, M, N, K };
};
const HALF = shape("f16", "f32", [16, 16, 16]);
/** What drivers report: NVIDIA, Intel (Xe2), Apple. */
const NVIDIA = [
  shape("f16", "f16", [16, 16, 16]),
  shape("f16", "f32", [16, 8, 8]),
  HALF,
  shape("u8", "u32", [16, 16, 32]),
];
const INTEL = [shape("f16", "f32", [8, 16, 16]), shape("f16", "f16", [8, 16, 16])];
const APPLE = [shape("f32", "f32", [8, 8, 8]), shape("f16", "f16", [8, 8, 8])];

Deno.test("tensor cores: the largest product with sums in f32, in subgroups of a size that is fixed", () => {
  const of = (...given: Parameters<typeof deviceWith>) => {
    const unit = matrixUnitOf(deviceWith(...given));
    return unit && [unit.component, unit.M, unit.N, unit.K, unit.lanes];
  };
  assert.deepEqual(of(NVIDIA), ["f16", 16, 16, 16, 32]);
  assert.deepEqual(of([HALF], { subgroups: [32, 64] }), ["f16", 16, 16, 16, 32]);
  assert.deepEqual(of(INTEL, { subgroups: [16, 32] }), ["f16", 8, 16, 16, 32]);
  assert.deepEqual(of(APPLE), ["f32", 8, 8, 8, 32]);
  assert.deepEqual(of(APPLE, { without: "shader-f16" }), ["f32", 8, 8, 8, 32]);
  assert.equal(of([HALF], { without: "shader-f16" }), undefined);
  assert.equal(of([HALF], { without: "subgroup-size-control" }), undefined);
  assert.equal(of([HALF], { subgroups: [4, 16] }), undefined);
  assert.equal(of([shape("f16", "f16", [16, 16, 16])]), undefined);
  assert.equal(of([]), undefined);
});

Deno.test("tensor cores: tiles have to fit into workgroup memory, and divide into matrices and loads", () => {
  const sizes = (given: Parameters<typeof deviceWith>) => {
    const unit = requireMatrixUnit(deviceWith(...given));
    return tilesOf(unit).map((tile) => {
      const { rows, columns } = sizeOfMatrixTile(unit, tile), invocations = tile.down * tile.across * unit.lanes;
      for (
        const count of [
          tile.high,
          tile.wide,
          rows * tile.depth / 4 / invocations,
          columns * tile.depth / 4 / invocations,
        ]
      ) {
        assert.ok(Number.isInteger(count) && count > 0, `${count}`);
      }
      assert.equal(tile.depth % unit.K, 0);
      return [rows, columns];
    });
  };
  const all = [[128, 128], [64, 64], [32, 32]];
  assert.deepEqual(sizes([NVIDIA]), all);
  assert.deepEqual(sizes([INTEL, { subgroups: [16, 32] }]), all);
  assert.deepEqual(sizes([APPLE]), all.slice(1));
  assert.deepEqual(sizes([NVIDIA, { bytes: 16384 }]), all.slice(1));
});

Deno.test("tensor cores: an adapter without them is an error that says what it has", () => {
  assert.throws(() => requireMatrixUnit(deviceWith([])), (error) => {
    assert.ok(error instanceof HymbaError);
    assert.match(error.message, /"made up" has no tensor cores[^]*got:\s+none/);
    return true;
  });
  assert.throws(
    () => requireMatrixUnit(deviceWith([shape("f16", "f16", [8, 8, 8])])),
    /f16 → f16, 8 × 8 × 8; subgroups of 32 to 32/,
  );
});

Deno.test("toggles of one list become one flag", () => {
  assert.deepEqual(joinedToggles(["enable-dawn-features=a", "disable-dawn-features=b", "enable-dawn-features=c,d"]), [
    "enable-dawn-features=a,c,d",
    "disable-dawn-features=b",
  ]);
});
