/** The third executor: it computes every step with its float64 reference. It is slow, and the others are compared with it. */
import { HymbaError } from "../errors.ts";
import { addScaled, Array64, Row64 } from "../reference/typed_array.ts";
import { unpackHalves } from "../reference/halves.ts";
import { type Arrays, referenceFor } from "../reference/mod.ts";
import {
  type Arena,
  describe,
  dimensionsOf,
  EXPONENT_BITS,
  pinOf,
  type Step,
  type Storage,
  type Tensor,
} from "../tensor/mod.ts";
import { type Data, type Executor, type Memory, type NonFinite, type Program, storagesOf } from "./executor.ts";
import type { Plan } from "./plan.ts";

/** A copy of a tensor's numbers, row by row. */
export function gather(x: Tensor, from: Float64Array): Float64Array {
  const out = new Float64Array(x.rows * x.columns);
  for (let row = 0; row < x.rows; row++) {
    const start = x.offset + row * x.rowStride;
    out.set(from.subarray(start, start + x.columns), row * x.columns);
  }
  return out;
}

/** Copies numbers into a tensor's storage, row by row, or adds them to its numbers. */
function scatter(x: Tensor, to: Float64Array, { values, add }: { values: Float64Array; add: boolean }): void {
  if (values.length !== x.rows * x.columns) throw new HymbaError(`${values.length} numbers for ${describe(x)}`);
  for (let row = 0; row < x.rows; row++) {
    const source = new Row64(values, row * x.columns, x.columns);
    const target = new Row64(to, x.offset + row * x.rowStride, x.columns);
    if (add) addScaled(target, 1, source);
    else target.copyFrom(source);
  }
}

/** The numbers of a tensor as other executors keep them. */
const rounded = ({ dtype }: Tensor, exact: Float64Array): Data =>
  dtype === "u32" ? Uint32Array.from(exact) : Float32Array.from(exact);

export class ReferenceExecutor implements Executor {
  readonly name = "reference";
  readonly #arenas = new Map<Arena, Float64Array>();

  /** Numbers are kept in float64 inside; `readExact` gives them without rounding. */
  prepare(plan: Plan): Promise<ReferenceProgram> {
    return Promise.resolve(
      new ReferenceProgram(plan, { memory: this.memoryOf(plan), arenaOf: (arena) => this.#arena(arena) }),
    );
  }

  /** Every storage of a plan is a separate float64 array. */
  memoryOf(plan: Plan): Memory {
    let slotBytes = 0, arenaBytes = 0;
    for (const { elements, pinned } of wholeStorages(plan)) {
      if (pinned) arenaBytes += elements * 8;
      else slotBytes += elements * 8;
    }
    return { slotBytes, peakBytes: slotBytes, arenaBytes };
  }

  write(tensor: Tensor, data: ArrayLike<number>): void {
    const values = new Float64Array(data);
    scatter(tensor, viewOf(tensor.storage, (arena) => this.#arena(arena)), { values, add: false });
  }

  readExact(tensor: Tensor): Float64Array {
    return gather(tensor, viewOf(tensor.storage, (arena) => this.#arena(arena)));
  }

  read(tensor: Tensor): Promise<Data> {
    return Promise.resolve(rounded(tensor, this.readExact(tensor)));
  }

  release(arena: Arena): void {
    this.#arenas.delete(arena);
  }

  close(): Promise<void> {
    this.#arenas.clear();
    return Promise.resolve();
  }

  #arena(arena: Arena): Float64Array {
    let found = this.#arenas.get(arena);
    if (!found) {
      found = new Float64Array(arena.elements);
      this.#arenas.set(arena, found);
    }
    return found;
  }
}

function viewOf(storage: Storage, arenaOf: (arena: Arena) => Float64Array): Float64Array {
  const { arena, offset } = pinOf(storage);
  return arenaOf(arena).subarray(offset, offset + storage.elements);
}

/** All storages of a plan, also those of inputs that no step reads. */
const wholeStorages = (plan: Plan): Set<Storage> =>
  new Set([...storagesOf(plan), ...plan.inputs.map(({ storage }) => storage)]);

export class ReferenceProgram implements Program {
  readonly memory: Memory;
  readonly #plan: Plan;
  readonly #numbers = new Map<Storage, Float64Array>();
  #metrics: Float32Array[] = [];

  constructor(
    plan: Plan,
    { memory, arenaOf }: { memory: Memory; arenaOf: (arena: Arena) => Float64Array },
  ) {
    this.#plan = plan;
    this.memory = memory;
    for (const storage of wholeStorages(plan)) {
      this.#numbers.set(
        storage,
        storage.pinned ? viewOf(storage, arenaOf) : new Float64Array(storage.elements).fill(NaN),
      );
    }
    for (const { tensor, data } of plan.constants) if (this.#numbers.has(tensor.storage)) this.write(tensor, data);
  }

  write(input: Tensor, data: ArrayLike<number>): void {
    scatter(input, this.#of(input), { values: new Float64Array(data), add: false });
  }

  run(): Promise<void> {
    for (const step of this.#plan.steps) this.#step(step);
    this.#metrics.push(Float32Array.from(this.#plan.metrics.flatMap((metric) => [...this.readExact(metric)])));
    return Promise.resolve();
  }

  readExact(tensor: Tensor): Float64Array {
    return gather(tensor, this.#of(tensor));
  }

  read(tensor: Tensor): Promise<Data> {
    return Promise.resolve(rounded(tensor, this.readExact(tensor)));
  }

  drainMetrics(): Promise<Float32Array[]> {
    const drained = this.#metrics;
    this.#metrics = [];
    return Promise.resolve(drained);
  }

  findNonFinite(): Promise<NonFinite | undefined> {
    for (const [at, step] of this.#plan.steps.entries()) {
      this.#step(step);
      for (const tensor of Object.values(step.writes)) {
        for (const [index, value] of this.readExact(tensor).entries()) {
          if (Number.isFinite(value)) continue;
          const dispatches = { first: at + 1, last: at + 1, of: this.#plan.steps.length };
          return Promise.resolve({ step: at, op: step.op.name, dispatches, tensor: tensor.name, index, value });
        }
      }
    }
    return Promise.resolve(undefined);
  }

  dispose(): void {
    this.#numbers.clear();
  }

  #of(tensor: Tensor): Float64Array {
    const found = this.#numbers.get(tensor.storage);
    if (!found) throw new HymbaError(`${tensor.name} is not part of the plan ${this.#plan.name}`);
    return found;
  }

  /** The numbers of a tensor. Words of 16-bit floats are unpacked. */
  #numbersOf(tensor: Tensor): Float64Array {
    const { packed, rows: R, columns: W } = tensor, values = this.readExact(tensor);
    if (!packed) return values;
    const attributes = { R, C: packed.columns, W, exponentBits: EXPONENT_BITS[packed.format] };
    return unpackHalves({ words: new Array64([R, W], values) }, attributes).x.values;
  }

  /** The reads of a step, with the shapes that its op states. */
  #readsOf({ op, attributes, reads }: Step): Arrays {
    return Object.fromEntries(
      Object.entries(reads).map(([role, tensor]) => {
        // The reads g0, g1, ... have the shape of the role `g#`.
        const stated = op.reads[role] ?? op.reads[role.replace(/\d+$/, "#")];
        if (stated === undefined) throw new HymbaError(`${op.name} reads no tensor ${role}`);
        return [role, new Array64(dimensionsOf(stated, attributes) ?? tensor.shape, this.#numbersOf(tensor))];
      }),
    );
  }

  #step(step: Step): void {
    const outputs = referenceFor(step)(this.#readsOf(step), step.attributes);
    for (const [role, tensor] of Object.entries(step.writes)) {
      const output = outputs[role];
      if (!output) throw new HymbaError(`the reference of ${step.op.name} does not make ${role}`);
      scatter(tensor, this.#of(tensor), { values: output.values, add: step.accumulate.includes(role) });
    }
  }
}
