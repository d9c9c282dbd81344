/** Products of f16 operands: their error bounds, which steps use them, and the result of an overflow. */
import { strict as assert } from "node:assert";
import { type Executor, finish, type Plan, withHalfProducts } from "../../core/plan/mod.ts";
import { linear } from "../../core/ops/linear.ts";
import { Tape } from "../../core/tensor/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { multipliesF16 } from "../../core/webgpu/tiles.ts";
import { executors } from "./executors.ts";
import { checkOverflow, checkProducts, type ProductShape } from "./f16_bounds.ts";
import { f16Products } from "./f16_products.ts";
import { thorough } from "../thorough.ts";

const SHAPES: (ProductShape & { tile?: string })[] = [
  { M: 1, N: 1, K: 1 },
  { M: 63, N: 65, K: 257, tile: "64x64x16" },
  { M: 65, N: 36, K: 76, margin: 4, accumulate: true },
  { M: 9, N: 33, K: 70, margin: 3 },
  { M: 6, N: 8, K: 2000 },
];

for (const { tile, ...shape } of SHAPES) {
  thorough(
    `f16 products ${JSON.stringify(shape)}: every element within its bound, all within the RMS bound`,
    async () => {
      const executor = await f16Products(tile);
      if (executor) await checkProducts(executor, { ...shape, kernel: "matmul_tile_f16" });
    },
  );
}

Deno.test("f16 products: an operand beyond f16 makes its own row infinite or no number, and no other", async () => {
  const executor = await f16Products();
  if (executor) await checkOverflow(executor);
});

/** The kernels to which the products of a plan are lowered. */
const kernelsOf = (executor: WebgpuExecutor, plan: Plan) =>
  executor.lower(plan).map(({ kernel }) => kernel.name).filter((name) => name.startsWith("matmul"));

Deno.test("f16 products: marked ones on adapters that gain by it, all others in f32", async () => {
  const tape = new Tape(true), x = tape.input("x", [40, 36], { gradient: true });
  const weight = (name: string) => tape.input(name, [36, 36], { gradient: true });
  const inner = linear(tape, { x, w: weight("layers.0.in_proj") });
  const y = linear(tape, { x: inner, w: weight("layers.0.x_proj") }, { exact: true });
  const cotangent = tape.input("cotangent", y.shape);
  tape.backward([[y, cotangent]]);
  const whole = finish(tape, { name: "two products", outputs: [tape.gradient(x)!] });
  const half = withHalfProducts(whole);
  assert.equal(half.steps.filter(({ attributes }) => attributes.f16 === 1).length, 3);
  const software = (await executors())[0] as Executor & WebgpuExecutor;
  for (const name of ["discrete", "integrated", "apple"] as const) assert.ok(multipliesF16(name));
  assert.ok(!software.f16Products && kernelsOf(software, half).every((name) => !name.includes("f16")));
  if (!software.gpu.device.features.has("shader-f16")) return;
  const executor = new WebgpuExecutor({ ...software.gpu, adapterClass: "discrete" });
  assert.ok(executor.f16Products);
  assert.ok(kernelsOf(executor, whole).every((name) => name.startsWith("matmul_tile ")));
  assert.equal(kernelsOf(executor, half).filter((name) => name.startsWith("matmul_tile_f16 ")).length, 3);
});
