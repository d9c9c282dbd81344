/** Liveness: which storages may share memory because they are never needed at the same time. */
import { ELEMENT_BYTES, type Storage } from "../tensor/mod.ts";

/** First and last position in the list of work at which a storage is needed. */
export interface Lifetime {
  first: number;
  last: number;
}

export interface SlotPlan {
  /** Bytes of each slot. */
  readonly slotBytes: readonly number[];
  readonly slotOf: ReadonlyMap<Storage, number>;
  /** The most bytes that are alive at one time: what a perfect assignment would need. */
  readonly peakBytes: number;
}

const ALIGNMENT = 256;
const alignedBytes = (storage: Storage) => Math.ceil(storage.elements * ELEMENT_BYTES / ALIGNMENT) * ALIGNMENT;

/**
 * Assigns slots greedily, the largest storages first: each takes the first slot whose other tenants are never alive
 * with it. Slots are separate buffers, because one buffer must not be read and written in the same dispatch.
 */
export function assignSlots(lifetimes: ReadonlyMap<Storage, Lifetime>): SlotPlan {
  const slots: { bytes: number; tenants: Lifetime[] }[] = [];
  const slotOf = new Map<Storage, number>();
  const bySize = [...lifetimes].map(([storage, life], order) => ({ storage, life, order }))
    .sort((a, b) => b.storage.elements - a.storage.elements || a.order - b.order);
  for (const { storage, life } of bySize) {
    const overlaps = (other: Lifetime) => other.first <= life.last && life.first <= other.last;
    let index = slots.findIndex(({ tenants }) => !tenants.some(overlaps));
    if (index < 0) index = slots.push({ bytes: alignedBytes(storage), tenants: [] }) - 1;
    slots[index]!.tenants.push(life);
    slotOf.set(storage, index);
  }
  return { slotBytes: slots.map(({ bytes }) => bytes), slotOf, peakBytes: peak(lifetimes) };
}

function peak(lifetimes: ReadonlyMap<Storage, Lifetime>): number {
  const change = new Map<number, number>();
  for (const [storage, { first, last }] of lifetimes) {
    change.set(first, (change.get(first) ?? 0) + alignedBytes(storage));
    change.set(last + 1, (change.get(last + 1) ?? 0) - alignedBytes(storage));
  }
  let alive = 0, most = 0;
  for (const at of [...change.keys()].sort((a, b) => a - b)) most = Math.max(most, alive += change.get(at)!);
  return most;
}

/** Lifetimes over a list of work. `keep` live through the whole list, `until the end` from their first use on. */
export function lifetimesOf(
  work: readonly { uses: Iterable<Storage> }[],
  { keep, untilEnd }: { keep: Iterable<Storage>; untilEnd: Iterable<Storage> },
): Map<Storage, Lifetime> {
  const lifetimes = new Map<Storage, Lifetime>();
  work.forEach(({ uses }, at) => {
    for (const storage of uses) {
      if (storage.pinned) continue;
      const known = lifetimes.get(storage);
      if (known) known.last = at;
      else lifetimes.set(storage, { first: at, last: at });
    }
  });
  for (const storage of keep) if (!storage.pinned) lifetimes.set(storage, { first: 0, last: work.length });
  for (const storage of untilEnd) {
    const known = lifetimes.get(storage);
    if (known) known.last = work.length;
  }
  return lifetimes;
}
