/** Start values of parameters, drawn with the counter-based generator: a function of seed and parameter alone. */
import { fillNormal, fillUniform, STREAMS } from "../random.ts";
import { sizeOf } from "../tensor/mod.ts";
import type { Init, ParameterSpec } from "./specs.ts";
import { at } from "../lists.ts";

const SMALLEST_STEP = 1e-3, LARGEST_STEP = 1e-1, STEP_FLOOR = 1e-4;

/** Row-major start values. `index` is the parameter's place in the model. */
export function initialValues(
  { shape, init }: Pick<ParameterSpec, "shape" | "init">,
  { seed, index }: { seed: number; index: number },
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(sizeOf(shape)), counter = { seed, stream: STREAMS.init, step: index };
  switch (init.kind) {
    case "rows":
      return byRows({ shape, parts: init.parts }, { seed, index });
    case "constant":
      return values.fill(init.value);
    case "normal":
      return fillNormal(values, counter, { deviation: init.deviation });
    case "uniform":
      return fillUniform(values, counter, { low: -init.bound, high: init.bound });
    case "s4d":
      return values.map((_, i) => Math.log(i % at(shape, -1) + 1));
    case "step-size":
      return fillUniform(values, counter, { low: Math.log(SMALLEST_STEP), high: Math.log(LARGEST_STEP) }).map(
        inverseSoftplusOfExp,
      );
  }
}

/**
 * Each part takes its rows from a whole matrix of this part's kind, so the rows of one part do not depend on the other parts.
 */
function byRows(
  { shape, parts }: { shape: readonly number[]; parts: readonly { rows: number; init: Init }[] },
  counter: { seed: number; index: number },
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(sizeOf(shape)), columns = at(shape, 1);
  let start = 0;
  for (const { rows, init } of parts) {
    const end = start + rows * columns;
    values.set(initialValues({ shape, init }, counter).subarray(start, end), start);
    start = end;
  }
  return values;
}

/** b with softplus(b) = dt, for dt = exp(logDt). Source: the initialisation of Mamba's reference code. */
function inverseSoftplusOfExp(logDt: number): number {
  const dt = Math.max(Math.exp(logDt), STEP_FLOOR);
  return dt + Math.log(-Math.expm1(-dt));
}
