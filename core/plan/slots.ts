/** Liveness analysis: storages that are never needed at the same time may share memory. */
import { ELEMENT_BYTES, type Storage } from "../tensor/mod.ts";
import { at } from "../lists.ts";

/** The first and the last launch that needs a storage. */
interface Lifetime {
  first: number;
  last: number;
}

export interface SlotPlan {
  /** Bytes of each slot. */
  readonly slotBytes: readonly number[];
  readonly slotOf: ReadonlyMap<Storage, number>;
  /** The largest number of bytes that are needed at one time. No assignment can use less. */
  readonly peakBytes: number;
}

const ALIGNMENT = 256;
const alignedBytes = (storage: Storage) => Math.ceil(storage.elements * ELEMENT_BYTES / ALIGNMENT) * ALIGNMENT;

/**
 * Assigns slots greedily, the largest storages first: each takes the first slot whose other storages are never needed at the same
 * time. Slots are separate buffers, because one dispatch must not read and write the same buffer.
 */
export function assignSlots(lifetimes: ReadonlyMap<Storage, Lifetime>): SlotPlan {
  const slots: { bytes: number; lifetimes: Lifetime[] }[] = [];
  const slotOf = new Map<Storage, number>();
  const bySize = [...lifetimes].map(([storage, life], order) => ({ storage, life, order }))
    .sort((a, b) => b.storage.elements - a.storage.elements || a.order - b.order);
  for (const { storage, life } of bySize) {
    const overlaps = (other: Lifetime) => other.first <= life.last && life.first <= other.last;
    let index = slots.findIndex(({ lifetimes }) => !lifetimes.some(overlaps));
    if (index < 0) index = slots.push({ bytes: alignedBytes(storage), lifetimes: [] }) - 1;
    at(slots, index).lifetimes.push(life);
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
  for (const [, bytes] of [...change].sort(([a], [b]) => a - b)) {
    alive += bytes;
    most = Math.max(most, alive);
  }
  return most;
}

/** Lifetimes of storages over a list of launches. `keep` live from the first to the last, `untilEnd` from their first use to the last. */
export function lifetimesOf(
  work: readonly { uses: Iterable<Storage> }[],
  { keep, untilEnd }: { keep: Iterable<Storage>; untilEnd: Iterable<Storage> },
): Map<Storage, Lifetime> {
  const lifetimes = new Map<Storage, Lifetime>();
  for (const [at, { uses }] of work.entries()) {
    for (const storage of uses) {
      if (storage.pinned) continue;
      const known = lifetimes.get(storage);
      if (known) known.last = at;
      else lifetimes.set(storage, { first: at, last: at });
    }
  }
  for (const storage of keep) if (!storage.pinned) lifetimes.set(storage, { first: 0, last: work.length });
  for (const storage of untilEnd) {
    const known = lifetimes.get(storage);
    if (known) known.last = work.length;
  }
  return lifetimes;
}
