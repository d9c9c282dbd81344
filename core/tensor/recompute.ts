/** Recomputation: steps run again when the backward pass needs their results, so that these are not kept. */
import type { Step } from "./plan_step.ts";
import { Storage, type Tensor } from "./tensor.ts";

const storagesOf = (tensors: Readonly<Record<string, Tensor>>) => Object.values(tensors).map(({ storage }) => storage);

/** The steps whose results `backward` reads, directly or through other steps of the list. */
function neededSteps(forward: readonly Step[], backward: readonly Step[]): Step[] {
  const needed = new Set(backward.flatMap(({ reads }) => storagesOf(reads)));
  const found: Step[] = [];
  for (const step of forward.toReversed()) {
    if (!storagesOf(step.writes).some((storage) => needed.has(storage))) continue;
    found.unshift(step);
    for (const storage of storagesOf(step.reads)) needed.add(storage);
  }
  return found;
}

/**
 * `backward`, and before it copies of those steps of `forward` that it needs. The copies write into new memory. The same kernels on
 * the same numbers give the same bits.
 */
export function withRecomputation(forward: readonly Step[], backward: readonly Step[]): Step[] {
  const again = neededSteps(forward, backward), copies = new Map<Storage, Storage>();
  for (const storage of again.flatMap(({ writes }) => storagesOf(writes))) {
    if (!copies.has(storage)) {
      copies.set(storage, new Storage(`${storage.name} again`, storage.elements, storage.dtype, storage.pinned));
    }
  }
  const copied = (tensors: Step["reads"]) =>
    Object.fromEntries(
      Object.entries(tensors).map(([role, tensor]) => [
        role,
        { ...tensor, storage: copies.get(tensor.storage) ?? tensor.storage },
      ]),
    );
  return [
    ...again.map((step) => ({ ...step, reads: copied(step.reads), writes: copied(step.writes) })),
    ...backward.map((step) => ({ ...step, reads: copied(step.reads) })),
  ];
}
