/** Records an operator on the tensors of a golden file, runs it, and compares its results with the file. */
import { type Data, finish } from "../../plan/mod.ts";
import { Tape, type Tensor, withRows } from "../../tensor/mod.ts";
import { storedIn } from "../../train/plans.ts";
import { roundingOf } from "./bounds.ts";
import { compare, type Comparison, type Target } from "./compare.ts";
import type { GoldenFile, Numbers } from "./file.ts";

/** Converts the numbers of an engine tensor to the layout of the file. */
export type Pick = (values: Data) => ArrayLike<number>;

interface Finding {
  readonly name: string;
  readonly tensor: Tensor;
  readonly pick: Pick;
}

/** The f32 error bounds of outputs and gradients. */
export interface Bounds {
  readonly output: number;
  readonly gradient: number;
}

const unchanged: Pick = (values) => values;
const toF32 = (data: Numbers) => data instanceof Float32Array ? data : Float32Array.from(data);

export class Recording {
  readonly tape = new Tape(true);
  readonly #written: { tensor: Tensor; data: Data }[] = [];
  readonly #outputs: Finding[] = [];
  readonly #gradients: Finding[] = [];
  readonly #seeds: [Tensor, Tensor][] = [];

  constructor(readonly file: GoldenFile) {}

  /** The input with this name in the file. Its gradient in the file is `d_NAME`. */
  input(name: string, shape?: readonly number[]): Tensor {
    const { shape: stored, data } = this.file.tensor(name, shape);
    const made = this.packed(name, stored, toF32(data));
    this.gradient(`d_${name}`, made);
    return made;
  }

  /** The same for an input that may be missing in the file. */
  optional(name: string, shape: readonly number[]): Tensor | undefined {
    return this.file.has(name) ? this.input(name, shape) : undefined;
  }

  /** An input that packs several tensors of the file. Call `gradient` for the parts of its gradient. */
  packed(name: string, shape: readonly number[], data: Data): Tensor {
    const tensor = data instanceof Uint32Array
      ? this.tape.input(name, shape, { dtype: "u32" })
      : this.tape.input(name, shape, { gradient: true });
    this.#written.push({ tensor, data });
    return tensor;
  }

  /** An input without a gradient. */
  given(name: string, shape: readonly number[], data: Data): Tensor {
    const dtype = data instanceof Uint32Array ? "u32" as const : "f32" as const;
    const tensor = this.tape.input(name, shape, { dtype });
    this.#written.push({ tensor, data });
    return tensor;
  }

  output(name: string, tensor: Tensor, pick = unchanged): void {
    this.#outputs.push({ name, tensor, pick });
  }

  gradient(name: string, input: Tensor, pick = unchanged): void {
    this.#gradients.push({ name, tensor: input, pick });
  }

  /** Sets the gradient at which the backward pass starts: the tensor `from` of the file, or 1 for a loss. */
  seed(output: Tensor, from?: string): void {
    const data = from === undefined ? Float32Array.of(1) : toF32(this.file.tensor(from, output.shape).data);
    const cotangent = this.given(`cotangent of ${output.name}`, output.shape, data);
    this.#seeds.push([output, withRows(cotangent, output.lead)]);
  }

  /** Runs forward and backward pass and compares the results. The file must have every output; it need not have every gradient. */
  async compare(target: Target, bounds: Bounds): Promise<Comparison[]> {
    const { file, tape } = this, { executor, precision } = target;
    tape.backward(this.#seeds);
    const gradients = this.#gradients.filter(({ name }) => file.has(name)).flatMap((finding) => {
      const tensor = tape.gradient(finding.tensor);
      return tensor ? [{ ...finding, tensor }] : [];
    });
    const outputs = [...this.#outputs, ...gradients].map(({ tensor }) => tensor);
    const plan = storedIn(finish(tape, { name: `golden ${file.op}`, outputs }), precision);
    const rounding = roundingOf(plan, target);
    const findings = [
      ...this.#outputs.map((finding) => ({ ...finding, bound: bounds.output + rounding.output })),
      ...gradients.map((finding) => ({ ...finding, bound: bounds.gradient + rounding.gradient })),
    ];
    const program = await executor.prepare(plan);
    try {
      for (const { tensor, data } of this.#written) program.write(tensor, data);
      await program.run();
      const comparisons: Comparison[] = [];
      for (const { name, tensor, pick, bound } of findings) {
        comparisons.push(compare(file, name, { got: pick(await program.read(tensor)), bound }));
      }
      return comparisons;
    } finally {
      program.dispose();
    }
  }
}
