/**
 * Random shapes of every op on every executor, with guards:
 *
 *     deno run -A tests/kernels/run.ts --shapes 500 --seed 1 [--executor cpu] [--op rmsnorm] [--seconds 600] [--loose]
 *
 * With `--loose`, WebGPU kernels take their sizes as uniforms (tests/kernels/sizes.ts), in the forms of software adapters and in
 * those of GPUs, so one compilation serves hundreds of shapes. Without it each shape is compiled as in a real run.
 *
 * Prints one line per op with the number of shapes and the failures. Exits with 1 if there was a failure. `--first N` starts at shape N.
 */
import { parseArgs } from "node:util";
import { present } from "../../core/lists.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { Dice } from "../fuzz/dice.ts";
import { AsGpu } from "../ops/as_gpu.ts";
import { executors } from "../ops/executors.ts";
import { FOR_EVERY_SHAPE, Forced } from "../ops/matmul_variants.ts";
import { CASES, TALL } from "./cases.ts";
import { checkGuarded } from "./check.ts";
import { Loosened } from "./sizes.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    shapes: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    op: { type: "string", multiple: true },
    executor: { type: "string" },
    seconds: { type: "string", default: "Infinity" },
    loose: { type: "boolean", default: false },
  },
});
const shapes = Number(values.shapes), seed = Number(values.seed), first = Number(values.first);
const opened = (await executors()).filter(({ name }) => name === (values.executor ?? name));
const gpu = opened.find((executor) => executor instanceof WebgpuExecutor);
const loose = (executor: WebgpuExecutor) => values.loose ? new Loosened(executor) : executor;
/** The variants of a product that accept every shape, kept for the whole run with their compiled kernels. */
const WAYS = gpu instanceof WebgpuExecutor ? FOR_EVERY_SHAPE.map((way) => loose(new Forced(gpu, way))) : [];
/** The forms of kernels for GPUs, in addition to those of this adapter. */
const forms = gpu instanceof WebgpuExecutor && values.loose
  ? [gpu, new AsGpu(gpu)].map(loose)
  : opened.filter((executor) => executor === gpu);
const tried = [...opened.filter((executor) => executor !== gpu), ...forms];
let wrong = 0;
for (const name of values.op ?? Object.keys(CASES)) {
  const start = performance.now(), failures: string[] = [];
  let done = 0;
  const seconds = () => (performance.now() - start) / 1000;
  for (; done < shapes && seconds() < Number(values.seconds); done++) {
    const number = first + done,
      make = present(CASES[name], `the case ${name}: --op takes ${Object.keys(CASES).join(", ")}`);
    // Products have more variants than an adapter uses by itself, so each shape tests another one in addition.
    const forced = name === "linear" && WAYS.length > 0 ? [WAYS[number % WAYS.length]!] : [];
    try {
      await checkGuarded(`${name} ${number}`, make(new Dice(seed, number), TALL.has(name) && number % 25 === 24), [
        ...tried,
        ...forced,
      ]);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  wrong += failures.length;
  console.log(`op=${name} seed=${seed} shapes=${done} failed=${failures.length} seconds=${seconds().toFixed(1)}`);
  for (const failure of failures.slice(0, 8)) console.log(`  ${failure}`);
}
for (const executor of opened) await executor.close();
Deno.exit(wrong > 0 ? 1 : 0);
