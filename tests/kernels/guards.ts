/**
 * Guard regions: every storage of a plan moves into its own arena, with sentinels before it, after it, and between the columns of
 * slices. After a run, each element that no step may write must still be the sentinel.
 */
import { strict as assert } from "node:assert";
import type { Executor, Plan } from "../../core/plan/mod.ts";
import { Arena, Storage, type Tensor, tensorOver } from "../../core/tensor/mod.ts";
import type { Built } from "../ops/harness.ts";

/** Elements before and after. Bindings start at multiples of 256 bytes. The elements after are bound, so a wrong write reaches them. */
const GUARD = 64;
/**
 * The bits of a signalling NaN, different for each arena. A kernel that reads it gives a NaN, even after a multiplication by zero. A
 * kernel that writes a value computed from it, or copied from another arena, writes other bits.
 */
const sentinelOf = (arena: number) => 0x7f800001 + 4099 * arena;

interface Guarded {
  sentinel: number;
  storage: Storage;
  arena: Arena;
  /** 1 where a step may write. */
  mayChange: Uint8Array;
}

function markWritten(mayChange: Uint8Array, { offset, rows, columns, rowStride }: Tensor): void {
  for (let row = 0; row < rows; row++) {
    const start = offset + row * rowStride;
    mayChange.fill(1, start, start + columns);
  }
}

/** The case with all storages moved, and the guards to fill and to check. */
export function guarded(built: Built): { built: Built; guards: Guards } {
  const moved = new Map<Storage, Guarded>();
  const place = (storage: Storage): Guarded => {
    let found = moved.get(storage);
    if (!found) {
      const elements = storage.elements + GUARD, arena = new Arena(storage.name, GUARD + elements);
      const made = new Storage(storage.name, elements, storage.dtype, { arena, offset: GUARD });
      const sentinel = sentinelOf(moved.size);
      moved.set(storage, found = { sentinel, storage: made, arena, mayChange: new Uint8Array(elements) });
    }
    return found;
  };
  const move = (x: Tensor): Tensor => ({ ...x, storage: place(x.storage).storage });
  const moveAll = (roles: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.entries(roles).map(([role, x]) => [role, move(x)]));
  const { plan } = built;
  const written = [...plan.inputs, ...plan.constants.map(({ tensor }) => tensor)]
    .concat(plan.steps.flatMap(({ writes }) => Object.values(writes)));
  for (const x of written) markWritten(place(x.storage).mayChange, x);
  const planMoved: Plan = {
    ...plan,
    steps: plan.steps.map((step) => ({ ...step, reads: moveAll(step.reads), writes: moveAll(step.writes) })),
    inputs: plan.inputs.map(move),
    constants: plan.constants.map(({ tensor, data }) => ({ tensor: move(tensor), data })),
    outputs: plan.outputs.map(move),
  };
  const result: Built = {
    plan: planMoved,
    inputs: built.inputs.map((input) => ({
      ...input,
      tensor: move(input.tensor),
      gradient: input.gradient && move(input.gradient),
    })),
    outputs: moveAll(built.outputs),
    cotangents: built.cotangents.map((each) => ({
      ...each,
      output: move(each.output),
      cotangent: move(each.cotangent),
    })),
  };
  return { built: result, guards: new Guards([...moved.values()]) };
}

const wholeOf = (arena: Arena): Tensor =>
  tensorOver(new Storage(arena.name, arena.elements, "f32", { arena, offset: 0 }), [arena.elements]);

export class Guards {
  constructor(private readonly all: readonly Guarded[]) {}

  /** Fills everything with the sentinel; call before inputs are written. */
  fill(executor: Executor): void {
    for (const { arena, sentinel } of this.all) {
      executor.write(wholeOf(arena), new Float32Array(new Uint32Array(arena.elements).fill(sentinel).buffer));
    }
  }

  /** Throws unless every element that no step may write is the sentinel. */
  async check(executor: Executor, who: string): Promise<void> {
    for (const { arena, mayChange, sentinel } of this.all) {
      const { buffer, byteOffset, length } = await executor.read(wholeOf(arena));
      const patterns = new Uint32Array(buffer, byteOffset, length);
      for (let i = 0; i < length; i++) {
        if (i >= GUARD && mayChange[i - GUARD]) continue;
        assert.equal(patterns[i], sentinel, `${who}: ${arena.name}: element ${i - GUARD} was overwritten`);
      }
    }
  }

  release(executor: Executor): void {
    for (const { arena } of this.all) executor.release(arena);
  }
}
