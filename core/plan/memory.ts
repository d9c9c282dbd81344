/** The memory of a plan: which storages share slots, and how many bytes the backward pass needs of the forward pass. */
import { ELEMENT_BYTES, isContiguous, type Storage, type Tensor } from "../tensor/mod.ts";
import { arenasOf, type Memory } from "./executor.ts";
import type { Plan } from "./plan.ts";
import { assignSlots, lifetimesOf, type SlotPlan } from "./slots.ts";

/** Assigns slots to the storages that the launches of a plan use. `uses` has one entry for each launch, in order. */
export function slotsOf(plan: Plan, uses: readonly Iterable<Storage>[]): SlotPlan {
  const used = new Set(uses.flatMap((storages) => [...storages]));
  const keep = keptStorages(plan).filter((storage) => used.has(storage));
  const untilEnd = [...plan.outputs, ...plan.metrics].map(({ storage }) => storage);
  return assignSlots(lifetimesOf(uses.map((storages) => ({ uses: storages })), { keep, untilEnd }));
}

/** Inputs and constants. A run reads them but does not write them. */
export const keptStorages = (plan: Plan): Storage[] =>
  [...plan.inputs, ...plan.constants.map(({ tensor }) => tensor)].map(({ storage }) => storage);

export function memoryOf(plan: Plan, { slotBytes, peakBytes }: SlotPlan): Memory {
  const sum = (bytes: readonly number[]) => bytes.reduce((total, count) => total + count, 0);
  const arenaBytes = sum([...arenasOf(plan)].map(({ elements }) => elements * ELEMENT_BYTES));
  return { slotBytes: sum(slotBytes), peakBytes, arenaBytes };
}

/**
 * Bytes that must be kept between the two passes: every element that the forward pass writes and the backward pass reads,
 * counted once. Columns of a wide tensor that are not read do not count.
 */
export function savedBytes({ steps, forwardSteps }: Plan): number {
  const made = new Set(steps.slice(0, forwardSteps).flatMap(({ writes }) => Object.values(writes).map(storageOf)));
  const read = new Map<Storage, [start: number, end: number][]>();
  for (const tensor of steps.slice(forwardSteps).flatMap(({ reads }) => Object.values(reads))) {
    if (tensor.storage.pinned || !made.has(tensor.storage)) continue;
    read.set(tensor.storage, [...read.get(tensor.storage) ?? [], spanOf(tensor)]);
  }
  return [...read.values()].reduce((bytes, spans) => bytes + covered(spans) * ELEMENT_BYTES, 0);
}

const storageOf = ({ storage }: Tensor) => storage;

/** The elements of a tensor as an interval, on the same scale as `shareOf` in `core/tensor/tape.ts`. */
function spanOf(x: Tensor): [number, number] {
  const start = isContiguous(x) ? x.offset : (x.offset % x.rowStride) * x.rows;
  return [start, start + x.rows * x.columns];
}

function covered(spans: readonly (readonly [number, number])[]): number {
  let reached = 0, elements = 0;
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    elements += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return elements;
}
