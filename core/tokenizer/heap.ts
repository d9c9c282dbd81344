/**
 * A heap of numbered items with the largest priority on top. Equal priorities come out in the order in which the heap of the
 * GNU C++ library (`std::push_heap`, `std::pop_heap`) gives them out: n-best lists of SentencePiece depend on it.
 */
export class Heap {
  readonly #items: number[] = [];
  readonly #priority: (item: number) => number;

  constructor(priority: (item: number) => number) {
    this.#priority = priority;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: number): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  /** Takes the top off; undefined when the heap is empty. */
  pop(): number | undefined {
    const items = this.#items, top = items[0], last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    // The hole sinks to the bottom along the larger children, then the last item rises from there.
    let hole = 0;
    for (let right = 2; right <= items.length; right = 2 * hole + 2) {
      const left = right - 1;
      const leftWins = right === items.length || this.#priority(items[right]!) < this.#priority(items[left]!);
      const child = leftWins ? left : right;
      items[hole] = items[child]!;
      hole = child;
    }
    this.#rise(hole, last);
    return top;
  }

  #rise(from: number, item: number): void {
    const items = this.#items, priority = this.#priority(item);
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#priority(items[parent]!) >= priority) break;
      items[hole] = items[parent]!;
      hole = parent;
    }
    items[hole] = item;
  }
}
