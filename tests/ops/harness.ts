/**
 * Compares an op with its reference on every executor: each output and each gradient by name, with random inputs and cotangents.
 * It also compares the gradients of the reference with central differences.
 */
import { strict as assert } from "node:assert";
import {
  type Executor,
  finish,
  type Plan,
  type Program,
  ReferenceExecutor,
  type ReferenceProgram,
  withPackedSaves,
} from "../../core/plan/mod.ts";
import { type Counter, fillNormal } from "../../core/random.ts";
import { type HalfFormat, Tape, type Tensor } from "../../core/tensor/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { executors } from "./executors.ts";

/** Bounds of the relative RMS errors of kernels. */
export interface Bounds {
  readonly output: number;
  readonly gradient: number;
  /** The least size, by input, to which errors of gradients are relative: a sum whose terms cancel is only as exact as its terms. */
  readonly least?: Readonly<Record<string, number>>;
}

/** Bounds for f32 kernels. */
export const BOUNDS: Bounds = { output: 2e-5, gradient: 1e-4 };

export interface OpCase {
  /** Records the op. `input` makes an input with random numbers (or those of `fill`); its gradient is checked. */
  build(tape: Tape, input: InputMaker): Record<string, Tensor>;
  /** How many elements of each gradient are compared with central differences; 0 for none. */
  differences?: number;
  /** Relative bound of the central differences. */
  differenceBound?: number;
  /** Outputs without a cotangent (their gradient is zero by contract). */
  withoutCotangent?: readonly string[];
  bounds?: Bounds;
  /** Activations are saved for the backward pass in this format. */
  saved?: HalfFormat;
  /** Also with the kernels for GPUs, where those differ from the kernels for software adapters. */
  asGpu?: boolean;
  /** Also on these executors, made from the opened adapter. */
  also?: (executor: WebgpuExecutor) => readonly Executor[];
}

export type InputMaker = (
  name: string,
  shape: readonly number[],
  options?: {
    fill?: (data: Float32Array, counter: Counter) => void;
    gradient?: boolean;
    u32?: (index: number) => number;
  },
) => Tensor;

/** A recorded case with the values of its inputs. */
export interface Built {
  plan: Plan;
  inputs: { tensor: Tensor; data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>; gradient?: Tensor }[];
  outputs: Record<string, Tensor>;
  cotangents: { output: Tensor; cotangent: Tensor; data: Float32Array<ArrayBuffer> }[];
}

/** Records a case and draws its inputs. */
export function record({ build, withoutCotangent = [], saved }: OpCase): Built {
  const tape = new Tape(true);
  const inputs: Built["inputs"] = [];
  const outputs = build(tape, (name, shape, { fill, gradient = true, u32 } = {}) => {
    const tensor = tape.input(name, shape, { dtype: u32 ? "u32" : "f32", gradient: gradient && !u32 });
    const size = tensor.rows * tensor.columns, counter = { seed: 1, stream: 100, step: inputs.length };
    const data = u32 ? Uint32Array.from({ length: size }, (_, i) => u32(i)) : new Float32Array(size);
    if (data instanceof Float32Array) (fill ?? fillNormal)(data, counter);
    inputs.push({ tensor, data });
    return tensor;
  });
  const cotangents = Object.entries(outputs).filter(([name]) => !withoutCotangent.includes(name)).map(
    ([name, output], step) => {
      const cotangent = tape.input(`cotangent of ${name}`, output.shape);
      const data = fillNormal(new Float32Array(output.rows * output.columns), { seed: 2, stream: 100, step });
      return { output, cotangent, data };
    },
  );
  tape.backward(cotangents.map(({ output, cotangent }) => [output, { ...cotangent, lead: output.lead }]));
  for (const input of inputs) input.gradient = tape.gradient(input.tensor);
  const gradients = inputs.flatMap(({ gradient }) => gradient ? [gradient] : []);
  const plan = finish(tape, { name: "op test", outputs: [...Object.values(outputs), ...gradients] });
  return {
    plan: saved ? withPackedSaves(plan, saved) : plan,
    inputs,
    outputs,
    cotangents,
  };
}

/** Writes the inputs and cotangents. */
export function fillProgram(program: Program, { inputs, cotangents }: Built): void {
  for (const { tensor, data } of inputs) program.write(tensor, data);
  for (const { cotangent, data } of cotangents) program.write(cotangent, data);
}

/**
 * RMS(difference) / RMS(reference); the RMS of the difference itself where the reference is zero. Elements that
 * are not finite in the reference must be the same and are left out of the RMS; otherwise the error is infinite. `least`: the least RMS of
 * a reference.
 */
export function relativeError(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  { least = 0 }: { least?: number } = {},
): number {
  let difference = 0, reference = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(expected[i])) {
      if (!Object.is(got[i], expected[i])) return Infinity;
      continue;
    }
    difference += (got[i]! - expected[i]!) ** 2;
    reference += expected[i]! ** 2;
  }
  if (!Number.isFinite(difference)) return Infinity;
  reference = Math.max(reference, expected.length * least ** 2);
  return Math.sqrt(difference / (reference > 0 ? reference : Math.max(1, expected.length)));
}

/** Compares outputs and gradients with the reference. */
export async function compare(
  built: Built,
  truth: ReferenceProgram,
  { program, who, bounds }: { program: Program; who: string; bounds: Bounds },
) {
  for (const [name, output] of Object.entries(built.outputs)) {
    const error = relativeError(await program.read(output), truth.readExact(output));
    assert.ok(error <= bounds.output, `${who}: ${name} is off by ${error.toExponential(2)}, bound ${bounds.output}`);
  }
  for (const { tensor, gradient } of built.inputs) {
    if (!gradient) continue;
    const least = bounds.least?.[tensor.name];
    const error = relativeError(await program.read(gradient), truth.readExact(gradient), { least });
    assert.ok(
      error <= bounds.gradient,
      `${who}: d ${tensor.name} is off by ${error.toExponential(2)}, bound ${bounds.gradient}`,
    );
  }
}

/** Σ output · cotangent. Its derivative by each input is the gradient that the tape computes. */
async function scalar(program: ReferenceProgram, { cotangents }: Built): Promise<number> {
  await program.run();
  return cotangents.reduce(
    (sum, { output, data }) => program.readExact(output).reduce((s, y, i) => s + y * data[i]!, sum),
    0,
  );
}

async function checkDifferences(
  built: Built,
  truth: ReferenceProgram,
  { count, bound }: { count: number; bound: number },
) {
  const gradients = built.inputs.map(({ gradient }) => gradient && truth.readExact(gradient));
  for (const [at, { tensor, data }] of built.inputs.entries()) {
    const gradient = gradients[at];
    if (!gradient || data instanceof Uint32Array) continue;
    const scale = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0) / gradient.length) + 1e-12;
    for (let draw = 0; draw < Math.min(count, data.length); draw++) {
      const index = Math.floor((draw + 0.5) * data.length / Math.min(count, data.length)), step = 1e-5;
      const moved = Float64Array.from(data);
      const sums: number[] = [];
      for (const sign of [1, -1]) {
        moved[index] = data[index]! + sign * step;
        truth.write(tensor, moved);
        sums.push(await scalar(truth, built));
      }
      truth.write(tensor, data);
      const numeric = (sums[0]! - sums[1]!) / (2 * step),
        error = Math.abs(numeric - gradient[index]!) / Math.max(scale, Math.abs(numeric));
      assert.ok(
        error < bound,
        `reference: d ${tensor.name}[${index}] is ${gradient[index]}, central difference ${numeric}`,
      );
    }
  }
}

/** An adapter that is treated as a GPU: it gets the kernels for GPUs. */
const asGpu = (executor: Executor): Executor[] =>
  executor instanceof WebgpuExecutor
    ? [new WebgpuExecutor({ ...executor.gpu, adapterClass: "discrete" }, executor)]
    : [];

/** Runs one case on the reference and on every executor. */
export async function checkOp(name: string, op: OpCase): Promise<void> {
  const built = record(op);
  const truth = await new ReferenceExecutor().prepare(built.plan);
  fillProgram(truth, built);
  await truth.run();
  const all = await executors();
  const more = all.flatMap((executor) => executor instanceof WebgpuExecutor ? op.also?.(executor) ?? [] : []);
  for (const executor of [...all, ...(op.asGpu ? all.flatMap(asGpu) : []), ...more]) {
    const program = await executor.prepare(built.plan);
    fillProgram(program, built);
    await program.run();
    await compare(built, truth, { program, who: `${name} on ${executor.name}`, bounds: op.bounds ?? BOUNDS });
    program.dispose();
  }
  await checkDifferences(built, truth, { count: op.differences ?? 4, bound: op.differenceBound ?? 1e-6 });
}
