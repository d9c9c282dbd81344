/**
 * Runs many small studies in one process and looks for growth: memory of the process, objects and code in V8's heap, buffers of the
 * executor and their bytes, open files, and processor time per study.
 *
 *     deno run -A --v8-flags=--expose-gc tests/soak/run.ts --backend cpu --seconds 1800
 *
 * Prints the mean of each series, its growth over the last two thirds and the 95 % interval. Exit code 1 when one grows.
 */
import { parseArgs } from "node:util";
import { linesOf, soak } from "./soak.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    backend: { type: "string", default: "cpu" },
    seconds: { type: "string", default: "1800" },
    arm: { type: "string", default: "hymba" },
  },
});
const found = await soak({
  backend: values.backend === "webgpu" ? "webgpu" : "cpu",
  seconds: Number(values.seconds),
  arm: values.arm,
});
for (const line of linesOf(found)) console.log(line);
console.log(
  `${values.backend}: ${found.studies} studies of ${values.arm} in ${values.seconds} s, ` +
    `${found.grown.length === 0 ? "nothing grows" : `${found.grown.join(", ")} grow`}`,
);
if (found.grown.length > 0) Deno.exit(1);
