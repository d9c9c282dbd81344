/** Shapley values: how much each of several changes adds, averaged over the orders of the changes. */
import { mean } from "../lists.ts";
import { permutation, STREAMS } from "../random.ts";

/** A set of changes: bit i is change i. */
export type Mask = number;

const has = (mask: Mask, change: number) => (mask >> change & 1) === 1;

/** An order of the changes. */
export type Order = readonly number[];

/** The sets of an order after each change, from none to all. */
export const masksOf = (order: Order): Mask[] =>
  order.reduce<Mask[]>((masks, change) => [...masks, (masks.at(-1) ?? 0) | 1 << change], [0]);

/** Random orders of `count` changes. Each is followed by its reverse, so that every change is equally often early and late. */
export function sampledOrders(count: number, pairs: number): Order[] {
  return Array.from({ length: pairs }, (_, step) => {
    const order = [...permutation(count, { seed: 1, stream: STREAMS.bootstrap, step })];
    return [order, order.toReversed()];
  }).flat();
}

/** One addition of a change to a set, and its weight in the change's share. */
export interface Addition {
  readonly from: Mask;
  readonly to: Mask;
  readonly weight: number;
}

/** n! */
const factorial = (n: number): number => n <= 1 ? 1 : n * factorial(n - 1);

/** The additions of each change over all orders; the weights of one change have the sum 1. */
export function allAdditions(count: number): Addition[][] {
  return Array.from(
    { length: count },
    (_, change) =>
      Array.from({ length: 2 ** count }, (_, from) => from).filter((from) => !has(from, change)).map((from) => {
        const before = Array.from({ length: count }, (_, i) => i).filter((i) => has(from, i)).length;
        const weight = factorial(before) * factorial(count - before - 1) / factorial(count);
        return { from, to: from | 1 << change, weight };
      }),
  );
}

/** The additions of each change in these orders, with equal weights. */
export function additionsIn(orders: readonly Order[], count: number): Addition[][] {
  const found = Array.from({ length: count }, (): Addition[] => []);
  for (const order of orders) {
    const masks = masksOf(order);
    for (const [place, change] of order.entries()) {
      found[change]?.push({ from: masks[place] ?? 0, to: masks[place + 1] ?? 0, weight: 1 / orders.length });
    }
  }
  return found;
}

/** The share of a change: the weighted mean of its additions. */
export const shareOf = (additions: readonly Addition[], value: (mask: Mask) => number): number =>
  additions.reduce((sum, { from, to, weight }) => sum + weight * (value(to) - value(from)), 0);

/** The smallest and the largest addition of a change, each a mean over `seeds` values. */
export function rangeOf(
  additions: readonly Addition[],
  values: readonly ((mask: Mask) => number)[],
): [least: number, most: number] {
  const all = additions.map(({ from, to }) => mean(values.map((value) => value(to) - value(from))));
  return [Math.min(...all), Math.max(...all)];
}
