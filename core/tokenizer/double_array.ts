/**
 * A trie of byte strings as a double array, in the 32-bit unit layout of darts-clone (S. Yata), which is also the layout of
 * the character maps inside SentencePiece models: one reader serves both, and the maps built here load elsewhere.
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

const LABEL_MASK = 0x800000ff;
const HAS_LEAF = 0x100;
const BLOCK = 256;
/** Blocks at the end of the array in which free slots are looked for: bounds the time of a build. */
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

  /** Gives the free slots of a block labels that no parent can ask for. */
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

  private fits(offset: number, { node, labels }: { node: number; labels: Uint8Array }): boolean {
    if (this.usedAsOffset[offset]) return false;
    const relative = node ^ offset;
    if ((relative & 0xff) !== 0 && relative >= 1 << 21) return false;
    for (let i = 1; i < labels.length; i++) if (this.taken[offset ^ labels[i]!]) return false;
    return true;
  }

  private findOffset(node: number, labels: Uint8Array): number {
    if (this.head >= 0) {
      let slot = this.head;
      do {
        const offset = slot ^ labels[0]!;
        if (this.fits(offset, { node, labels })) return offset;
        slot = this.next[slot]!;
      } while (slot !== this.head);
    }
    return this.size | (node & 0xff);
  }

  /** Places the children of `node` (label 0 is the leaf) and returns their common offset. */
  place(node: number, labels: Uint8Array): number {
    const offset = this.findOffset(node, labels);
    if (offset >= this.size) this.addBlock();
    this.usedAsOffset[offset] = 1;
    const relative = (node ^ offset) >>> 0;
    const kept = this.units[node]! & (LABEL_MASK | HAS_LEAF);
    this.units[node] = kept | (relative < 1 << 21 ? relative << 10 : (relative << 2) | 0x200);
    for (const label of labels) {
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

/** Keys to build from, in ascending byte order, without duplicates, none empty and none with a zero byte. */
export interface SortedKeys {
  readonly count: number;
  key(index: number): Uint8Array;
  value(index: number): number;
}

interface Range {
  node: number;
  depth: number;
  begin: number;
  end: number;
}

/** Builds the double array of `keys`, empty when there are none. Work grows with their total bytes. */
export function buildDoubleArray(keys: SortedKeys): Uint32Array {
  if (keys.count === 0) return new Uint32Array(0);
  const builder = new Builder();
  const pending: Range[] = [{ node: 0, depth: 0, begin: 0, end: keys.count }];
  const labels = new Uint8Array(256), starts = new Int32Array(257);
  while (pending.length > 0) {
    const { node, depth, begin, end } = pending.pop()!;
    let children = 0;
    for (let i = begin; i < end; i++) {
      const key = keys.key(i), label = depth < key.length ? key[depth]! : 0;
      if (children > 0 && labels[children - 1] === label) continue;
      labels[children] = label;
      starts[children++] = i;
    }
    starts[children] = end;
    const offset = builder.place(node, labels.subarray(0, children));
    for (let child = children - 1; child >= 0; child--) {
      const label = labels[child]!, slot = offset ^ label;
      if (label === 0) builder.setLeaf(slot, keys.value(starts[child]!));
      else pending.push({ node: slot, depth: depth + 1, begin: starts[child]!, end: starts[child + 1]! });
    }
  }
  return builder.finish();
}
