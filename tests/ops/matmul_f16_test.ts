/** Products of f16 operands: their error bounds, which steps use them, and the result of an overflow. */
import { strict as assert } from "node:assert";
import { type Executor, type Plan, ReferenceExecutor, type ReferenceProgram } from "../../core/plan/mod.ts";
import { finish, type Program, withHalfProducts } from "../../core/plan/mod.ts";
import { linear, matmul } from "../../core/ops/linear.ts";
import { fillNormal } from "../../core/random.ts";
import { sliceColumns, Tape, type Tensor, tensorOver } from "../../core/tensor/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { multipliesF16 } from "../../core/webgpu/tiles.ts";
import { executors } from "./executors.ts";
import { f16Products } from "./f16_products.ts";
import { relativeError } from "./harness.ts";
import { thorough } from "../thorough.ts";

interface Shape {
  M: number;
  N: number;
  K: number;
  margin?: number;
  accumulate?: boolean;
  tile?: string;
}

/** All four transposes of a shape; with `accumulate` each product is recorded twice, and the second one is added. */
function record({ M, N, K, margin = 0, accumulate = false }: Shape): Plan {
  const tape = new Tape(false), outputs: Tensor[] = [];
  const matrix = (name: string, [rows, columns]: readonly [number, number]) =>
    sliceColumns(tape.input(name, [rows, columns + 2 * margin]), margin, [columns]);
  for (const transA of [0, 1] as const) {
    for (const transB of [0, 1] as const) {
      const a = matrix(`a${transA}${transB}`, transA ? [K, M] : [M, K]);
      const b = matrix(`b${transA}${transB}`, transB ? [N, K] : [K, N]);
      const c = sliceColumns(tape.tensor("c", [M, N + 2 * margin]), margin, [N]), sizes = { M, N, K, transA, transB };
      matmul(tape, { a, b, c }, sizes);
      if (accumulate) matmul(tape, { a, b, c }, { ...sizes, accumulate });
      outputs.push(c);
    }
  }
  return finish(tape, { name: "f16 products", outputs });
}

/** Fills the inputs of both programs with the same numbers, and runs them. */
async function runBoth(
  plan: Plan,
  [program, truth]: readonly [Program, Program],
  fill: (data: Float32Array<ArrayBuffer>, step: number) => void,
): Promise<void> {
  for (const [step, input] of plan.inputs.entries()) {
    const data = new Float32Array(input.storage.elements);
    fill(data, step);
    for (const runner of [truth, program]) runner.write(tensorOver(input.storage, input.shape), data);
  }
  for (const runner of [truth, program]) await runner.run();
}

/** Unit roundoff of f16, 11 significant bits rounded to nearest, and of f32. */
const U = 2 ** -11, U32 = 2 ** -24;

/**
 * â = a(1 + δ) with |δ| ≤ U, and so b̂; products of both are exact in f32, which sums K of them with K roundings:
 *
 *     |ĉ − c| ≤ (2U + U² + K · U32 · (1 + U)²) · Σ|a·b|     for every element.
 *
 * For independent numbers there is a bound that also tells sums in f16 from sums in f32. A rounding error is uniform over
 * ± U · 2ᵉ ≤ ± U · |x|, so its RMS is at most U/√3 of |x|. Two operands give √2 times that, and the errors of K terms add like the terms:
 *
 *     RMS(ĉ − c) ≤ √(2/3) · U · RMS(c) = 0.82 U · RMS(c).
 *
 * Sums in f16 would round each partial sum, of RMS √k: √(Σ k / 3) · U = √(K/6) · U of RMS(c), 6.5 U at K = 257. The margin of a tenth is
 * for the finite number of elements: RMS of 48 and more draws.
 */
const RMS_BOUND = 1.1 * Math.sqrt(2 / 3) * U;

const SHAPES: Shape[] = [
  { M: 1, N: 1, K: 1 },
  { M: 63, N: 65, K: 257, tile: "64x64x16" },
  { M: 65, N: 36, K: 76, margin: 4, accumulate: true },
  { M: 9, N: 33, K: 70, margin: 3 },
  { M: 6, N: 8, K: 2000 },
];

for (const shape of SHAPES) {
  thorough(
    `f16 products ${JSON.stringify(shape)}: every element within its bound, all within the RMS bound`,
    async () => {
      const executor = await f16Products(shape.tile), { K, accumulate } = shape;
      if (!executor) return;
      const plan = withHalfProducts(record(shape));
      assert.ok(executor.lower(plan).some(({ kernel }) => kernel.name.startsWith("matmul_tile_f16 ")));
      const program = await executor.prepare(plan), truth = await new ReferenceExecutor().prepare(plan);
      const sizes = await new ReferenceExecutor().prepare(plan);
      await runBoth(plan, [program, truth], (data, step) => fillNormal(data, { seed: 4, stream: 100, step }));
      await runBoth(plan, [program, sizes], (data, step) => {
        fillNormal(data, { seed: 4, stream: 100, step });
        data.forEach((x, i) => data[i] = Math.abs(x));
      });
      await runBoth(plan, [program, truth], (data, step) => fillNormal(data, { seed: 4, stream: 100, step }));
      for (const [i, output] of plan.outputs.entries()) {
        const got = await program.read(output), expected = exactly(truth, output), most = exactly(sizes, output);
        const perTerm = 2 * U + U * U + (accumulate ? 2 : 1) * (K + 1) * U32 * (1 + U) ** 2;
        for (const [at, c] of expected.entries()) {
          const off = Math.abs(got[at]! - c), bound = perTerm * most[at]! + 2 ** -24 * K;
          assert.ok(off <= bound, `product ${i}, element ${at}: off by ${off}, bound ${bound}`);
        }
        const error = relativeError(got, expected);
        if (expected.length < 48) continue;
        assert.ok(error <= RMS_BOUND, `product ${i}: RMS off by ${error / U} U, bound ${RMS_BOUND / U}`);
        assert.ok(error > U / 10, `product ${i}: off by ${error / U} U only: not of operands in f16`);
      }
      for (const each of [program, truth, sizes]) each.dispose();
    },
  );
}

const exactly = (program: ReferenceProgram, output: Tensor) => program.readExact(output);

Deno.test("f16 products: an operand beyond f16 makes its own row infinite or no number, and no other", async () => {
  const executor = await f16Products();
  if (!executor) return;
  const plan = withHalfProducts(record({ M: 40, N: 36, K: 50 })), program = await executor.prepare(plan);
  const truth = await new ReferenceExecutor().prepare(plan), [output] = plan.outputs, fits = 65504, row = 7;
  for (const [large, finite] of [[fits, true], [65519, true], [65520, false], [-1e6, false], [1e30, false]] as const) {
    await runBoth(plan, [program, truth], (data, step) => {
      data.fill(2 ** -6);
      if (step === 0) data[row * 50 + 3] = large;
    });
    const got = await program.read(output!);
    for (const [at, c] of got.entries()) {
      const own = Math.floor(at / 36) === row;
      assert.equal(Number.isFinite(c), finite || !own, `${large}: element ${at} is ${c}`);
      if (own && finite) assert.ok(Math.abs(c - fits / 64) < 1, `${large}: element ${at} is ${c}`);
    }
  }
  for (const each of [program, truth]) each.dispose();
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
