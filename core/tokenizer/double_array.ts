/**
 * A trie of byte strings as a double array. The 32-bit units are those of darts-clone (S. Yata). Character maps in SentencePiece
 * models have the same layout, so one reader serves both, and other programs read the maps that are built here.
 *
 * | bits | of a node | of a leaf |
 * |---|---|---|
 * | 0-7 | label: the byte that leads here | value |
 * | 8 | a key ends here | value |
 * | 9 | the offset is in units of 256 | value |
 * | 10-30 | offset, relative by exclusive or | value |
 * | 31 | 0 | 1 |
 *
 * The child of node `p` by byte `b` is `p ^ offset(p) ^ b`; the value of a key that ends at `p` sits at `p ^ offset(p)`.
 */

import type { ByteStrings } from "./bytes.ts";

const LABEL_MASK = 0x800000ff;
const HAS_LEAF = 0x100;
const BLOCK = 256;
/** Free slots are looked for in this many blocks at the end of the array. This bounds the time of a build. */
const OPEN_BLOCKS = 16;

/** The offset field of a unit. */
export const unitOffset = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);

/** A key found at the start of a text. */
export interface PrefixMatch {
  /** Bytes of the key. */
  length: number;
  value: number;
}

/** The longest key of `units` that starts `bytes` at `at`; length 0 when there is none. */
export function longestPrefix(
  units: Uint32Array,
  { bytes, at, end }: { bytes: Uint8Array; at: number; end: number },
): PrefixMatch {
  let length = 0, value = 0;
  if (units.length === 0) return { length, value };
  let node = unitOffset(units[0]!);
  for (let i = at; i < end; i++) {
    node ^= bytes[i]!;
    const unit = units[node];
    if (unit === undefined || ((unit & LABEL_MASK) >>> 0) !== bytes[i]) break;
    node ^= unitOffset(unit);
    if (unit & HAS_LEAF) {
      length = i + 1 - at;
      value = (units[node] ?? 0) & 0x7fffffff;
    }
  }
  return { length, value };
}

/** The labels of a node's children: the first `count` of `labels`. */
interface Labels {
  labels: Uint8Array;
  count: number;
}

/** Bookkeeping while units are placed: a ring of free slots, and which offsets are taken. */
class Builder {
  units = new Uint32Array(0);
  private size = 0;
  private next = new Int32Array(0);
  private previous = new Int32Array(0);
  private taken = new Uint8Array(0);
  private usedAsOffset = new Uint8Array(0);
  private head = -1;

  constructor() {
    this.addBlock();
    this.take(0);
    this.usedAsOffset[0] = 1;
  }

  private grow(size: number): void {
    if (size <= this.units.length) return;
    const capacity = Math.max(size, 2 * this.units.length);
    const copy = <A extends Uint32Array | Int32Array | Uint8Array>(to: A, from: A): A => (to.set(from), to);
    this.units = copy(new Uint32Array(capacity), this.units);
    this.next = copy(new Int32Array(capacity), this.next);
    this.previous = copy(new Int32Array(capacity), this.previous);
    this.taken = copy(new Uint8Array(capacity), this.taken);
    this.usedAsOffset = copy(new Uint8Array(capacity), this.usedAsOffset);
  }

  private addBlock(): void {
    const first = this.size, last = first + BLOCK - 1;
    this.grow(first + BLOCK);
    for (let slot = first; slot <= last; slot++) {
      this.next[slot] = slot + 1;
      this.previous[slot] = slot - 1;
    }
    if (this.head < 0) this.head = first;
    const tail = this.head === first ? last : this.previous[this.head]!;
    if (this.head !== first) {
      this.next[tail] = first;
      this.previous[first] = tail;
    }
    this.next[last] = this.head;
    this.previous[this.head] = last;
    this.size += BLOCK;
    const closing = this.size / BLOCK - 1 - OPEN_BLOCKS;
    if (closing >= 0) this.closeBlock(closing);
  }

  private take(slot: number): void {
    const after = this.next[slot]!, before = this.previous[slot]!;
    this.taken[slot] = 1;
    if (after === slot) this.head = -1;
    else {
      this.next[before] = after;
      this.previous[after] = before;
      if (this.head === slot) this.head = after;
    }
  }

  /** Fills the free slots of a block with labels that no lookup can match. */
  private closeBlock(block: number): void {
    const first = block * BLOCK;
    let unused = first;
    while (unused < first + BLOCK && this.usedAsOffset[unused]) unused++;
    for (let slot = first; slot < first + BLOCK; slot++) {
      if (this.taken[slot]) continue;
      this.take(slot);
      this.units[slot] = (slot ^ unused) & 0xff;
    }
  }

  /** An offset at which each of the first `count` labels has a free slot. */
  private findOffset(node: number, { labels, count }: Labels): number {
    const { taken, usedAsOffset, next, head } = this, first = labels[0]!;
    for (let slot = head; slot >= 0;) {
      const offset = slot ^ first, relative = node ^ offset;
      let fits = !usedAsOffset[offset] && ((relative & 0xff) === 0 || relative < 1 << 21);
      for (let i = 1; fits && i < count; i++) fits = !taken[offset ^ labels[i]!];
      if (fits) return offset;
      slot = next[slot]!;
      if (slot === head) break;
    }
    return this.size | (node & 0xff);
  }

  /** Places the children of `node` (label 0 is the leaf) and returns their common offset. */
  place(node: number, { labels, count }: Labels): number {
    const offset = this.findOffset(node, { labels, count });
    if (offset >= this.size) this.addBlock();
    this.usedAsOffset[offset] = 1;
    const relative = (node ^ offset) >>> 0;
    const kept = this.units[node]! & (LABEL_MASK | HAS_LEAF);
    this.units[node] = kept | (relative < 1 << 21 ? relative << 10 : (relative << 2) | 0x200);
    for (let i = 0; i < count; i++) {
      const label = labels[i]!;
      this.take(offset ^ label);
      if (label === 0) this.units[node]! |= HAS_LEAF;
      else this.units[offset ^ label] = label;
    }
    return offset;
  }

  setLeaf(slot: number, value: number): void {
    this.units[slot] = value | 0x80000000;
  }

  finish(): Uint32Array {
    for (let block = Math.max(0, this.size / BLOCK - OPEN_BLOCKS); block < this.size / BLOCK; block++) {
      this.closeBlock(block);
    }
    return this.units.slice(0, this.size);
  }
}

/** Up to this many keys are sorted by insertion. */
const INSERTION_SORT_LIMIT = 24;

interface SortRange {
  labels: Uint8Array;
  spare: Int32Array;
  begin: number;
  end: number;
}

/** Puts `order[begin]` up to `order[end]` in the order of the keys' bytes at `depth`. The sort is stable. */
function sortByByte(order: Int32Array, { labels, spare, begin, end }: SortRange): void {
  if (end - begin <= INSERTION_SORT_LIMIT) {
    for (let i = begin + 1; i < end; i++) {
      const key = order[i]!, label = labels[i]!;
      let at = i;
      for (; at > begin && labels[at - 1]! > label; at--) {
        order[at] = order[at - 1]!;
        labels[at] = labels[at - 1]!;
      }
      order[at] = key;
      labels[at] = label;
    }
    return;
  }
  const places = new Int32Array(257);
  for (let i = begin; i < end; i++) places[labels[i]! + 1]!++;
  for (let label = 1; label <= 256; label++) places[label]! += places[label - 1]!;
  for (let i = begin; i < end; i++) spare[places[labels[i]!]!++] = order[i]!;
  order.set(spare.subarray(0, end - begin), begin);
  let at = begin;
  for (let label = 0; label < 256; label++) {
    for (const stop = begin + places[label]!; at < stop; at++) labels[at] = label;
  }
}

/**
 * Builds the double array of keys, empty when there are none. No key may be empty or hold a zero byte; of equal keys the
 * first counts. `values`: one for each key, below 2^31. Work grows with the bytes of all keys.
 */
export function buildDoubleArray(keys: ByteStrings, values: ArrayLike<number>): Uint32Array {
  if (keys.count === 0) return new Uint32Array(0);
  const { bytes, starts, count: all } = keys, builder = new Builder();
  const order = Int32Array.from({ length: all }, (_, i) => i);
  /** For each key its byte at the current depth, 0 beyond its end. */
  const at = new Uint8Array(all), spare = new Int32Array(all);
  const labels = new Uint8Array(256), firsts = new Int32Array(257);
  /** Nodes whose children have no place yet: node, depth, and its range of `order`. */
  const pending = [0, 0, 0, all];
  while (pending.length > 0) {
    const end = pending.pop()!, begin = pending.pop()!, depth = pending.pop()!, node = pending.pop()!;
    for (let i = begin; i < end; i++) {
      const byte = starts[order[i]!]! + depth;
      at[i] = byte < starts[order[i]! + 1]! ? bytes[byte]! : 0;
    }
    sortByByte(order, { labels: at, spare, begin, end });
    let count = 0;
    for (let i = begin; i < end; i++) {
      if (count > 0 && labels[count - 1] === at[i]) continue;
      labels[count] = at[i]!;
      firsts[count++] = i;
    }
    firsts[count] = end;
    const offset = builder.place(node, { labels, count });
    for (let child = count - 1; child >= 0; child--) {
      const slot = offset ^ labels[child]!, first = firsts[child]!;
      if (labels[child] === 0) builder.setLeaf(slot, values[order[first]!]!);
      else pending.push(slot, depth + 1, first, firsts[child + 1]!);
    }
  }
  return builder.finish();
}
