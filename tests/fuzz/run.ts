/**
 * A long fuzzing run with a log:
 *
 *     deno run -A tests/fuzz/run.ts --parser safetensors --inputs 50000000 --seed 1
 *
 * `--first N` starts at input N: with `--inputs 1` it repeats one input. Prints a line every quarter of a million inputs.
 * `--seconds S` ends the run after S seconds. `--list` prints the names of the parsers.
 */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    parser: { type: "string", default: "safetensors" },
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    seconds: { type: "string", default: "Infinity" },
    list: { type: "boolean", default: false },
  },
});
if (values.list) {
  console.log(Object.keys(TARGETS).join("\n"));
  Deno.exit(0);
}
const target = TARGETS[values.parser];
if (!target) {
  console.error(`no parser ${values.parser}; there are ${Object.keys(TARGETS).join(", ")}`);
  Deno.exit(2);
}
const inputs = Number(values.inputs),
  seed = Number(values.seed),
  first = Number(values.first),
  most = Number(values.seconds);
const total = { inputs: 0, accepted: 0, refused: 0, slowest: 0, seconds: 0 };
// There are millions of refusals, and nobody reads their stacks.
Error.stackTraceLimit = 0;
while (total.inputs < inputs && total.seconds < most) {
  const part = Math.min(250_000, inputs - total.inputs);
  const result = await fuzz(target, { seed, inputs: part, first: first + total.inputs, seconds: most - total.seconds });
  for (const key of ["inputs", "accepted", "refused", "seconds"] as const) total[key] += result[key];
  total.slowest = Math.max(total.slowest, result.slowest);
  console.log(
    `parser=${values.parser} seed=${seed} inputs=${total.inputs} accepted=${total.accepted} refused=${total.refused} ` +
      `slowest_ms=${total.slowest.toFixed(1)} seconds=${total.seconds.toFixed(1)}`,
  );
}
