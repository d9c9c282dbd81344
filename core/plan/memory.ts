/** The bytes of a plan: which storages share slots, and how much of that the backward pass cannot do without. */
import { ELEMENT_BYTES, isContiguous, type Storage, type Tensor } from "../tensor/mod.ts";
import { arenasOf, type Memory } from "./executor.ts";
import type { Plan } from "./plan.ts";
import { assignSlots, lifetimesOf, type SlotPlan } from "./slots.ts";

/** Slots for the storages that an executor's work on a plan uses: `uses` has one entry a launch, in order. */
export function slotsOf(plan: Plan, uses: readonly Iterable<Storage>[]): SlotPlan {
  const used = new Set(uses.flatMap((storages) => [...storages]));
  const keep = keptStorages(plan).filter((storage) => used.has(storage));
  const untilEnd = [...plan.outputs, ...plan.metrics].map(({ storage }) => storage);
  return assignSlots(lifetimesOf(uses.map((storages) => ({ uses: storages })), { keep, untilEnd }));
}

/** Inputs and constants: what a run reads without writing it first. */
export const keptStorages = (plan: Plan): Storage[] =>
  [...plan.inputs, ...plan.constants.map(({ tensor }) => tensor)].map(({ storage }) => storage);

export function memoryOf(plan: Plan, { slotBytes, peakBytes }: SlotPlan): Memory {
  const sum = (bytes: readonly number[]) => bytes.reduce((total, count) => total + count, 0);
  const arenaBytes = sum([...arenasOf(plan)].map(({ elements }) => elements * ELEMENT_BYTES));
  return { slotBytes: sum(slotBytes), peakBytes, arenaBytes };
}

/**
 * Bytes that have to be kept from the forward to the backward pass: every element that the first writes and the second
 * reads, counted once. Of a wide tensor only those columns count that are read again.
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

/** The elements of a tensor as an interval; rows of a slice are laid on top of each other, as in the tape's bookkeeping. */
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
