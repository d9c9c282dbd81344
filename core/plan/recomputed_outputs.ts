/**
 * A pass over a finished plan: the backward pass recomputes outputs of the forward pass if their op says that this costs less
 * than keeping them. Only the norm does so at present: it is recomputed from the residual sum, which is kept anyway.
 */
import { type Recomputation, type Step, Storage, type Tensor } from "../tensor/mod.ts";
import type { Plan } from "./plan.ts";

/** Most steps between the first and the last use of a recomputed output. Over more steps it would be kept as long as before. */
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

/** A forward step whose output is recomputed, and the backward steps that read it. */
interface Candidate {
  readonly step: Step;
  readonly recomputation: Recomputation;
  readonly output: Tensor;
  readonly readers: readonly [number, ...number[]];
}

/**
 * Forward steps whose output can be recomputed: no other step writes it, the backward pass reads it within a few steps, and the
 * backward pass also reads the tensor that it is computed from.
 */
function candidatesOf(plan: Plan): Candidate[] {
  const { steps, forwardSteps, outputs } = plan, readers = readersOf(plan);
  const writers = new Map<Storage, number>();
  for (const storage of steps.flatMap(({ writes }) => storagesOf(writes))) {
    writers.set(storage, (writers.get(storage) ?? 0) + 1);
  }
  return steps.slice(0, forwardSteps).flatMap((step) => {
    const recomputation = step.op.recompute?.(step.reads, step.writes),
      output = step.writes[recomputation?.output ?? ""];
    if (!recomputation || !output) return [];
    const [first, ...others] = readers.get(output.storage) ?? [];
    const alone = writers.get(output.storage) === 1 && !outputs.some(({ storage }) => storage === output.storage);
    if (!alone || first === undefined || !readers.has(recomputation.source.storage)) return [];
    return (others.at(-1) ?? first) - first <= NEAR
      ? [{ step, recomputation, output, readers: [first, ...others] }]
      : [];
  });
}

/** The step with some storages of its reads replaced. */
const reading = (step: Step, other: ReadonlyMap<Storage, Storage>): Step => ({
  ...step,
  reads: Object.fromEntries(
    Object.entries(step.reads).map(([role, x]) => [role, { ...x, storage: other.get(x.storage) ?? x.storage }]),
  ),
});

/** A copy of the step that writes into new memory. */
function repeated({ step, recomputation: { reads, writes } }: Candidate): Step {
  const copies = writes.flatMap((role) => {
    const x = step.writes[role];
    if (!x) return [];
    const { name, elements, dtype } = x.storage;
    return [[role, { ...x, storage: new Storage(`${name} recomputed`, elements, dtype) }] as const];
  });
  return { ...step, reads, writes: Object.fromEntries(copies) };
}

/** The plan with outputs recomputed in its backward pass. The same kernel on the same numbers gives the same bits. */
export function withRecomputedOutputs(plan: Plan): Plan {
  const before = new Map<number, Step[]>(), moved = new Map<number, Map<Storage, Storage>>();
  for (const candidate of candidatesOf(plan)) {
    const step = repeated(candidate), { output, readers, recomputation } = candidate, [first] = readers;
    const copy = step.writes[recomputation.output];
    if (!copy) continue;
    before.set(first, [...before.get(first) ?? [], step]);
    for (const at of readers) moved.set(at, new Map([...moved.get(at) ?? [], [output.storage, copy.storage]]));
  }
  const steps = plan.steps.flatMap((step, at) => {
    const other = moved.get(at);
    return [...before.get(at) ?? [], other && at >= plan.forwardSteps ? reading(step, other) : step];
  });
  return { ...plan, steps };
}
