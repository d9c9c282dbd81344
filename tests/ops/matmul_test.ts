import { strict as assert } from "node:assert";
import { linear } from "../../core/ops/linear.ts";
import { ReferenceExecutor } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { sliceColumns } from "../../core/tensor/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import type { Lowering } from "../../core/webgpu/launch.ts";
import { executors } from "./executors.ts";
import { type ProductShape, record, runBoth } from "./f16_bounds.ts";
import { BOUNDS, checkOp, relativeError } from "./harness.ts";
import { Forced, VARIANTS } from "./matmul_variants.ts";
import { thorough } from "../thorough.ts";

for (const [R, I, O] of [[1, 1, 1], [63, 65, 17], [65, 128, 64], [257, 40, 63], [130, 16, 200]] as const) {
  Deno.test(`linear [${R}, ${I}] to ${O}: product, d x, d w`, () =>
    checkOp("linear", {
      build: (tape, input) => ({ y: linear(tape, { x: input("x", [R, I]), w: input("w", [O, I]) }) }),
    }));
}

Deno.test("linear of a slice, into a slice, added to an existing gradient", () =>
  checkOp("linear", {
    build: (tape, input) => {
      const wide = input("wide", [9, 20]), out = tape.tensor("out", [9, 12]);
      const x = sliceColumns(wide, 0, [20]);
      linear(tape, { x, w: input("w1", [5, 20]) }, { into: sliceColumns(out, 0, [5]) });
      linear(tape, { x, w: input("w2", [7, 20]) }, { into: sliceColumns(out, 5, [7]) });
      return { out };
    },
  }));

async function checkVariant(name: string, variant: Lowering<"matmul">, shape: ProductShape): Promise<void> {
  const plan = record(shape), truth = await new ReferenceExecutor().prepare(plan);
  const base = (await executors()).find((executor) => executor instanceof WebgpuExecutor);
  assert.ok(base instanceof WebgpuExecutor);
  const program = await new Forced(base, variant).prepare(plan);
  await runBoth(plan, [program, truth], (data, step) => void fillNormal(data, { seed: 4, stream: 100, step }));
  for (const [i, output] of plan.outputs.entries()) {
    const error = relativeError(await program.read(output), truth.readExact(output));
    assert.ok(error <= BOUNDS.output, `${name}: product ${i} is off by ${error.toExponential(2)}`);
  }
  program.dispose();
}

const SHAPES: ProductShape[] = [
  { M: 1, N: 1, K: 1 },
  { M: 63, N: 65, K: 257 },
  { M: 68, N: 36, K: 76, margin: 4, accumulate: true },
  { M: 9, N: 33, K: 70, margin: 3 },
];

/** These share their code with the first of their kind, and each shape compiles eight pipelines. So the shape with margins is enough. */
const SIZES_ONLY = [
  ...[
    "subgroup-12",
    "subgroup-16",
    "subgroup-4-transposed",
    "subgroup-8-transposed",
    "subgroup-12-transposed",
    "subgroup-16-transposed",
  ],
  ...["128x64x8", "64x64x16", "32x64x16", "32x32x32"],
];

for (const [name, variant] of Object.entries(VARIANTS)) {
  const shapes = SIZES_ONLY.includes(name) ? SHAPES.slice(2, 3) : SHAPES;
  thorough(`matmul by ${name}: all transposes of ${shapes.length} shapes`, async () => {
    for (const shape of shapes) {
      const fits = [shape.M, shape.N, shape.K, shape.margin ?? 0].every((count) => count % 4 === 0);
      if (name === "subgroups, rows in fours" && !fits) continue;
      await checkVariant(`${name}, ${JSON.stringify(shape)}`, variant, shape);
    }
  });
}
