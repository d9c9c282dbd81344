/**
 * A heap with the largest priority on top. Items of equal priority come out in the same order as from the heap of the GNU C++
 * library (`std::push_heap`, `std::pop_heap`), because SentencePiece's n-best lists depend on that order.
 */
export class Heap<T = number> {
  readonly #items: T[] = [];
  readonly #priority: (item: T) => number;

  constructor(priority: (item: T) => number) {
    this.#priority = priority;
  }

  /** How many items there are. */
  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  /** Removes and returns the item with the largest priority; undefined when the heap is empty. */
  pop(): T | undefined {
    const items = this.#items, top = items[0], last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    // The hole sinks to the bottom along the larger children, then the last item rises from there.
    let hole = 0;
    for (let left = items[1], right = items[2]; left !== undefined;) {
      const leftWins = right === undefined || this.#priority(right) < this.#priority(left);
      items[hole] = leftWins ? left : right ?? left;
      hole = 2 * hole + (leftWins ? 1 : 2);
      left = items[2 * hole + 1];
      right = items[2 * hole + 2];
    }
    this.#rise(hole, last);
    return top;
  }

  #rise(from: number, item: T): void {
    const items = this.#items, priority = this.#priority(item);
    let hole = from;
    while (hole > 0) {
      const at = (hole - 1) >> 1, parent = items[at];
      if (parent === undefined || this.#priority(parent) >= priority) break;
      items[hole] = parent;
      hole = at;
    }
    items[hole] = item;
  }
}
