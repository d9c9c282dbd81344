/**
 * A rule over a finished plan: normalised rows that the backward pass reads are made again from the sum that it keeps anyway,
 * in front of their first use there. A norm is a few operations a number; keeping its result costs as many bytes as the sum.
 */
import { type Step, Storage, type Tensor } from "../tensor/mod.ts";
import type { Plan } from "./plan.ts";

/** Steps between the first and the last use of what is made again; it would otherwise lie about for as long as if it were kept. */
const NEAR = 6;

const storagesOf = (tensors: Step["reads"]) => Object.values(tensors).map(({ storage }) => storage);

/** The backward steps that read each storage. */
function readersOf({ steps, forwardSteps }: Plan): Map<Storage, number[]> {
  const readers = new Map<Storage, number[]>();
  for (const [at, { reads }] of steps.entries()) {
    if (at < forwardSteps) continue;
    for (const storage of storagesOf(reads)) readers.set(storage, [...readers.get(storage) ?? [], at]);
  }
  return readers;
}

/** The norms of the forward pass whose rows are theirs alone, are read by the backward pass in one place, and whose sum is too. */
function normsToRepeat(plan: Plan): { norm: Step; source: Tensor; readers: number[] }[] {
  const { steps, forwardSteps, outputs } = plan, readers = readersOf(plan);
  const writers = new Map<Storage, number>();
  for (const storage of steps.flatMap(({ writes }) => storagesOf(writes))) {
    writers.set(storage, (writers.get(storage) ?? 0) + 1);
  }
  return steps.slice(0, forwardSteps).flatMap((norm) => {
    if (norm.op !== "rmsnorm_forward") return [];
    const { y } = norm.writes, source = norm.writes.sum ?? norm.reads.x!, found = readers.get(y!.storage) ?? [];
    const alone = writers.get(y!.storage) === 1 && !outputs.some(({ storage }) => storage === y!.storage);
    const near = found.length > 0 && found.at(-1)! - found[0]! <= NEAR;
    return alone && near && readers.has(source.storage) ? [{ norm, source, readers: found }] : [];
  });
}

/** `step` with other storages in its reads. */
const reading = (step: Step, other: ReadonlyMap<Storage, Storage>): Step => ({
  ...step,
  reads: Object.fromEntries(
    Object.entries(step.reads).map(([role, x]) => [role, { ...x, storage: other.get(x.storage) ?? x.storage }]),
  ),
});

/** The plan with its norms repeated in the backward pass. The same kernel on the same numbers gives the same bits. */
export function withNormsAgain(plan: Plan): Plan {
  const again = new Map<number, Step[]>(), moved = new Map<number, Map<Storage, Storage>>();
  for (const { norm, source, readers } of normsToRepeat(plan)) {
    const copy = (x: Tensor): Tensor => {
      const { name, elements, dtype } = x.storage;
      return { ...x, storage: new Storage(`${name} again`, elements, dtype) };
    };
    const y = copy(norm.writes.y!),
      step: Step = {
        ...norm,
        reads: { x: source, w: norm.reads.w! },
        writes: { y, r: copy(norm.writes.r!) },
      };
    again.set(readers[0]!, [...again.get(readers[0]!) ?? [], step]);
    for (const at of readers) moved.set(at, new Map([...moved.get(at) ?? [], [norm.writes.y!.storage, y.storage]]));
  }
  const steps = plan.steps.flatMap((step, at) => {
    const other = moved.get(at);
    return [...again.get(at) ?? [], other && at >= plan.forwardSteps ? reading(step, other) : step];
  });
  return { ...plan, steps };
}
