/** Products of operands in f16 compared with the float64 reference: all transposes of a shape, every element within its bound. */
import { strict as assert } from "node:assert";
import { matmul } from "../../core/ops/linear.ts";
import {
  type Executor,
  finish,
  type Plan,
  type Program,
  ReferenceExecutor,
  type ReferenceProgram,
  withHalfProducts,
} from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { sliceColumns, Tape, type Tensor, tensorOver } from "../../core/tensor/mod.ts";
import { relativeError } from "./harness.ts";

/** A product, and how it is recorded. */
export interface ProductShape {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Columns of a wider matrix on either side of each operand and of the result. */
  readonly margin?: number;
  /** Each product is recorded twice, and the second one is added. */
  readonly accumulate?: boolean;
}

/** All four transposes of a shape. */
export function record({ M, N, K, margin = 0, accumulate = false }: ProductShape): Plan {
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
  return finish(tape, { name: "products", outputs });
}

/** Fills the inputs of both programs with the same numbers, and runs them. */
export async function runBoth(
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

const exactly = (program: ReferenceProgram, output: Tensor) => program.readExact(output);

/** Runs the products of a shape on the executor. Every element has to be within its bound, and all together within the RMS bound. */
export async function checkProducts(
  executor: Executor & { lower(plan: Plan): readonly { readonly kernel: { readonly name: string } }[] },
  { kernel, ...shape }: ProductShape & { readonly kernel: string },
): Promise<void> {
  const { K, accumulate } = shape, plan = withHalfProducts(record(shape));
  const names = new Set(executor.lower(plan).map((launch) => launch.kernel.name.split(" ")[0]));
  assert.ok(names.has(kernel), `${[...names].join(", ")}, not ${kernel}`);
  const program = await executor.prepare(plan), truth = await new ReferenceExecutor().prepare(plan);
  const sizes = await new ReferenceExecutor().prepare(plan);
  const draw = (data: Float32Array<ArrayBuffer>, step: number) => fillNormal(data, { seed: 4, stream: 100, step });
  await runBoth(plan, [program, sizes], (data, step) => {
    draw(data, step);
    data.forEach((x, i) => data[i] = Math.abs(x));
  });
  await runBoth(plan, [program, truth], draw);
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
}

/** An operand beyond f16 has to make its own row infinite or no number, and no other. */
export async function checkOverflow(executor: Executor): Promise<void> {
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
}
