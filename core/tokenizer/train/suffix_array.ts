/**
 * Suffix arrays by prefix doubling with counting sorts: after round r, suffixes are in the order of their first 2^r symbols.
 * Source: Manber and Myers, "Suffix arrays: a new method for on-line string searches", 1990.
 */

/** Sorts positions by `key(position)`, stable; `keys` has one number below `range` for each position. */
function countingSort(order: Int32Array, { keys, range }: { keys: Int32Array; range: number }): Int32Array {
  const starts = new Int32Array(range + 1), sorted = new Int32Array(order.length);
  for (const position of order) starts[keys[position]! + 1]!++;
  for (let key = 0; key < range; key++) starts[key + 1]! += starts[key]!;
  for (const position of order) sorted[starts[keys[position]!]!++] = position;
  return sorted;
}

/**
 * The positions of `symbols` (numbers below `range`), sorted by the first `depth` symbols of the suffixes that start there.
 * The end of the text comes before every symbol. Work: n log depth.
 */
export function suffixArray(symbols: Int32Array, { range, depth }: { range: number; depth: number }): Int32Array {
  const n = symbols.length;
  let order = countingSort(Int32Array.from({ length: n }, (_, i) => i), { keys: symbols, range });
  let rank = new Int32Array(n), classes = 0;
  for (let i = 0; i < n; i++) {
    if (i > 0 && symbols[order[i]!] !== symbols[order[i - 1]!]) classes++;
    rank[order[i]!] = classes;
  }
  for (let step = 1; step < depth && classes + 1 < n; step *= 2) {
    // The suffix at i - step is ordered by its second half: the suffix at i, whose place is known.
    const bySecond = new Int32Array(n);
    let filled = 0;
    for (let i = Math.max(0, n - step); i < n; i++) bySecond[filled++] = i;
    for (const position of order) if (position >= step) bySecond[filled++] = position - step;
    order = countingSort(bySecond, { keys: rank, range: classes + 1 });
    const second = (position: number) => position + step < n ? rank[position + step]! : -1;
    const next = new Int32Array(n);
    classes = 0;
    for (let i = 1; i < n; i++) {
      const a = order[i - 1]!, b = order[i]!;
      if (rank[a] !== rank[b] || second(a) !== second(b)) classes++;
      next[b] = classes;
    }
    rank = next;
  }
  return order;
}

/** For each place i > 0 of a suffix array: how many symbols the suffixes at i-1 and i share, counted up to `depth`. */
export function commonPrefixes(
  symbols: Int32Array,
  { order, depth }: { order: Int32Array; depth: number },
): Uint8Array {
  const n = symbols.length, shared = new Uint8Array(n);
  for (let i = 1; i < n; i++) {
    const a = order[i - 1]!, b = order[i]!, most = Math.min(depth, n - Math.max(a, b));
    let length = 0;
    while (length < most && symbols[a + length] === symbols[b + length]) length++;
    shared[i] = length;
  }
  return shared;
}
