/**
 * This folder: tensors without numbers (shape and place), and the tape that records steps.
 * The recorder. A model is run once on tensors without numbers; each op appends its step and says how its gradient is made.
 * Running the tape backwards appends the backward steps. The result is data that any executor can replay.
 */
import { HymbaError } from "../errors.ts";
import { withRecomputation } from "./recompute.ts";
import { type Op, requireShapes } from "./op.ts";
import { type Recorded, type Step, stepOf } from "./plan_step.ts";
import { type Arena, describe, type DType, isContiguous, sizeOf, Storage, type Tensor, tensorOver } from "./tensor.ts";

/** A tensor whose numbers are fixed when the plan is made (rotary tables, the seed of the backward pass). */
export interface Constant {
  readonly tensor: Tensor;
  readonly data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
}

/** The tensor into which a backward step writes a gradient, and whether it adds to it. */
export interface GradientTarget {
  readonly tensor: Tensor;
  readonly accumulate: boolean;
}

interface Gradient {
  storage: Storage;
  offset: number;
  /** The parts of the storage that have been written, see {@link shareOf}. */
  written: [number, number][];
  /** Set when the storage is shared with the gradient of another tensor, so nothing may be added in place. */
  shared: boolean;
}

export class Tape {
  readonly steps: Step[] = [];
  readonly inputs: Tensor[] = [];
  readonly constants: Constant[] = [];
  readonly #backward: (() => void)[] = [];
  readonly #gradients = new Map<Storage, Gradient>();
  readonly #withoutGradient = new Set<Storage>();
  readonly #gradientArenas = new Map<Arena, Arena>();
  readonly #recompute: boolean;
  #names = new Map<string, number>();
  #scope = "";
  #forwardSteps: number | undefined;

  /**
   * `training`: record what the backward pass needs. `gradientArenas`: the arenas for the gradients of parameter arenas.
   * `recompute`: see {@link Tape.recomputed}.
   */
  constructor(
    readonly training = true,
    gradientArenas: readonly (readonly [Arena, Arena])[] = [],
    { recompute = false } = {},
  ) {
    for (const [parameters, gradients] of gradientArenas) this.#gradientArenas.set(parameters, gradients);
    this.#recompute = recompute;
  }

  /** Number of steps before the backward pass. */
  get forwardSteps(): number {
    return this.#forwardSteps ?? this.steps.length;
  }

  /** Names made inside `body` start with `scope`, so that messages say which layer a tensor belongs to. */
  within<T>(scope: string, body: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${scope}.`;
    try {
      return body();
    } finally {
      this.#scope = outer;
    }
  }

  /** A tensor that lives as long as steps use it. */
  tensor(name: string, shape: readonly number[], dtype: DType = "f32"): Tensor {
    const scoped = `${this.#scope}${name}`;
    const count = this.#names.get(scoped) ?? 0;
    this.#names.set(scoped, count + 1);
    return tensorOver(new Storage(count === 0 ? scoped : `${scoped}#${count}`, sizeOf(shape), dtype), shape);
  }

  /** A tensor that is written from outside before a run. With `gradient`, the backward pass makes its gradient. */
  input(
    name: string,
    shape: readonly number[],
    { dtype = "f32", gradient = false }: { dtype?: DType; gradient?: boolean } = {},
  ): Tensor {
    const made = this.tensor(name, shape, dtype);
    this.inputs.push(made);
    if (!gradient) this.#withoutGradient.add(made.storage);
    return made;
  }

  constant(name: string, shape: readonly number[], data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Tensor {
    if (data.length !== sizeOf(shape)) throw new HymbaError(`constant ${name}: ${data.length} numbers for [${shape}]`);
    const made = this.tensor(name, shape, data instanceof Uint32Array ? "u32" : "f32");
    this.constants.push({ tensor: made, data });
    this.#withoutGradient.add(made.storage);
    return made;
  }

  /** Appends a step. Throws a HymbaError when a tensor does not have the size that the op's shapes say. */
  step<O extends Op>(op: O, recorded: Recorded<O>): void {
    const step = stepOf(op, recorded), { attributes } = step;
    requireShapes(op.name, { shapes: op.reads, tensors: step.reads, attributes });
    requireShapes(op.name, { shapes: op.writes, tensors: step.writes, attributes });
    this.steps.push(step);
  }

  /** Registers how the gradients of the step just recorded are made. Called in reverse order by `backward`. */
  onBackward(rule: () => void): void {
    if (this.training) this.#backward.push(rule);
  }

  /** On a tape with `recompute`, the steps of `body` run again before its backward steps, so that their results are not kept. */
  recomputed<T>(body: () => T): T {
    if (!this.training || !this.#recompute) return body();
    const start = this.steps.length;
    let end = start, backward = 0;
    this.onBackward(() => {
      const steps = this.steps.splice(backward);
      this.steps.push(...withRecomputation(this.steps.slice(start, end), steps));
    });
    const result = body();
    end = this.steps.length;
    this.onBackward(() => {
      backward = this.steps.length;
    });
    return result;
  }

  /** The gradient of a tensor, summed over the steps recorded so far; undefined when no output depends on the tensor. */
  gradient(x: Tensor): Tensor | undefined {
    const found = this.#gradients.get(x.storage);
    if (found === undefined) return undefined;
    const [start, end] = shareOf(x);
    if (!found.written.some(([from, to]) => from < end && to > start)) return undefined;
    if (!covers(found.written, start, end)) {
      throw new HymbaError(`backward: the gradient of ${describe(x)} is incomplete: a slice of it reaches no output`);
    }
    return { ...x, storage: found.storage, offset: x.offset + found.offset, name: `d ${x.name}` };
  }

  /** Where to write the gradient of x; undefined if it is not needed. */
  target(x: Tensor): GradientTarget | undefined {
    if (this.#withoutGradient.has(x.storage)) return undefined;
    let found = this.#gradients.get(x.storage);
    if (found === undefined) {
      found = this.#newGradient(x.storage);
      this.#gradients.set(x.storage, found);
    }
    if (found.shared) throw new HymbaError(`backward: the gradient of ${describe(x)} is shared and cannot be added to`);
    const [start, end] = shareOf(x);
    const accumulate = covers(found.written, start, end);
    if (!accumulate) found.written.push([start, end]);
    const tensor = { ...x, storage: found.storage, offset: x.offset + found.offset, name: `d ${x.name}` };
    return { tensor, accumulate };
  }

  /** Makes the tensor g the gradient of x, without a copy. From here on g may only be read. */
  alias(x: Tensor, g: Tensor): void {
    if (this.#gradients.has(x.storage)) throw new HymbaError(`backward: ${describe(x)} already has a gradient`);
    this.#gradients.set(x.storage, {
      storage: g.storage,
      offset: g.offset - x.offset,
      written: [shareOf(x)],
      shared: true,
    });
  }

  /** Replaces the gradient of x by g, which already includes it. */
  supersede(x: Tensor, g: Tensor): void {
    this.#gradients.delete(x.storage);
    this.alias(x, g);
  }

  /** Appends the backward steps. `seeds` pairs each output with the tensor that holds its gradient. */
  backward(seeds: readonly (readonly [Tensor, Tensor])[]): void {
    if (!this.training) throw new HymbaError("backward: this tape was made for inference");
    this.#forwardSteps ??= this.steps.length;
    for (const [output, gradient] of seeds) this.alias(output, gradient);
    for (const rule of this.#backward.reverse()) rule();
    this.#backward.length = 0;
  }

  #newGradient(storage: Storage): Gradient {
    const { name, elements, pinned } = storage, arena = pinned && this.#gradientArenas.get(pinned.arena);
    if (pinned && !arena) throw new HymbaError(`backward: no arena for the gradient of ${name}`);
    const place = pinned && arena && { arena, offset: pinned.offset };
    return { storage: new Storage(`d ${name}`, elements, "f32", place), offset: 0, written: [], shared: false };
  }
}

/**
 * The part of its storage that a tensor takes, as an interval of elements. A slice takes the same columns of every row: columns
 * [a, b) of R rows are the interval [a · R, b · R).
 */
function shareOf(x: Tensor): [number, number] {
  if (isContiguous(x)) return [x.offset, x.offset + x.rows * x.columns];
  const start = (x.offset % x.rowStride) * x.rows;
  return [start, start + x.columns * x.rows];
}

function covers(written: readonly (readonly [number, number])[], start: number, end: number): boolean {
  let reached = start;
  for (const [from, to] of [...written].sort((a, b) => a[0] - b[0])) {
    if (from <= reached) reached = Math.max(reached, to);
  }
  return reached >= end;
}
