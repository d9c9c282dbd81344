/**
 * A pass over a finished plan: activations that the backward pass reads are stored as 16-bit floats, two in a word. Each tensor
 * is packed after its last use in the forward pass. It is unpacked before its uses in the backward pass, into memory that lives
 * only as long as these uses. Arithmetic stays f32, and the forward pass does not change.
 */
import { packedLike, packHalves, unpackHalves } from "../ops/halves.ts";
import { type HalfFormat, type Op, slicePacked, type Step, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";
import type { Plan } from "./plan.ts";

/** Steps between two uses of an unpacked tensor that it is worth keeping for; beyond, it is unpacked again. */
const NEAR = 6;

/** A read of a saved tensor: which step, and by which name. */
interface Use {
  readonly op: Op;
  readonly step: number;
  readonly role: string;
  readonly tensor: Tensor;
}

/** A saved storage as rows of `stride` columns, and who reads which of them. */
interface Saved {
  readonly storage: Storage;
  readonly rows: number;
  readonly stride: number;
  /** The last step of the forward pass that uses it. */
  readonly last: number;
  readonly uses: readonly Use[];
}

/** Neighbouring columns [start, end) that are kept, as words. */
interface Kept {
  readonly start: number;
  readonly end: number;
  readonly words: Tensor;
}

const rolesOf = ({ op }: Step, tensors: Step["reads"], step: number): Use[] =>
  Object.entries(tensors).map(([role, tensor]) => ({ op, step, role, tensor }));

function savedStorages({ steps, forwardSteps, outputs, metrics }: Plan): Saved[] {
  const spared = new Set([...outputs, ...metrics].map(({ storage }) => storage));
  const written = new Map<Storage, Use[]>(), read = new Map<Storage, Use[]>(), last = new Map<Storage, number>();
  const note = (into: Map<Storage, Use[]>, use: Use) =>
    into.set(use.tensor.storage, [...into.get(use.tensor.storage) ?? [], use]);
  for (const [at, step] of steps.entries()) {
    const forward = at < forwardSteps, { op, reads, writes } = step;
    for (const use of rolesOf(step, writes, at)) {
      if (!forward || op.exactWrites?.includes(use.role)) spared.add(use.tensor.storage);
      else note(written, use);
    }
    for (const use of rolesOf(step, reads, at)) {
      if (!forward) note(read, use);
      if (!forward && op.exactReads?.includes(use.role)) spared.add(use.tensor.storage);
    }
    if (forward) {
      for (const { storage } of [...Object.values(reads), ...Object.values(writes)]) last.set(storage, at);
    }
  }
  return [...written].flatMap(([storage, writers]) => {
    const uses = read.get(storage);
    if (!uses || spared.has(storage) || storage.pinned || storage.dtype !== "f32") return [];
    const { rows, rowStride: stride } = writers[0]!.tensor;
    // A reader that sees other rows of it than its writer needs them in f32.
    const alike = [...writers, ...uses].every(({ tensor }) =>
      tensor.rowStride === stride && tensor.rows === rows && tensor.offset + tensor.columns <= stride
    );
    if (!alike || rows * stride !== storage.elements) return [];
    return [{ storage, rows, stride, last: last.get(storage)!, uses }];
  });
}

/** Columns [start, end) of a storage's rows. */
const columnsOf = (
  { storage, rows, stride }: Saved,
  [start, end]: readonly [number, number],
): Tensor => ({ ...tensorOver(storage, [rows, end - start], { offset: start }), rowStride: stride });

/** The columns that are read, neighbours together. */
function keptColumns(saved: Saved, format: HalfFormat): Kept[] {
  const { storage: { name }, uses } = saved;
  const spans = uses.map(({ tensor: { offset, columns } }): [number, number] => [offset, offset + columns])
    .sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [start, end] of spans) {
    const before = merged.at(-1);
    if (before && start <= before[1]) before[1] = Math.max(before[1], end);
    else merged.push([start, end]);
  }
  return merged.map(([start, end]) => ({
    start,
    end,
    words: packedLike(columnsOf(saved, [start, end]), { name, format }),
  }));
}

/** Uses that are so near to each other that they share what is unpacked. */
function clusters(uses: readonly Use[]): Use[][] {
  const found: Use[][] = [];
  for (const use of uses) {
    const before = found.at(-1)?.at(-1);
    if (before && use.step - before.step <= NEAR) found.at(-1)!.push(use);
    else found.push([use]);
  }
  return found;
}

/** The use reading words, where its kernels can and no word is cut apart. */
function wordsFor(use: Use, { start, words }: Kept): Use | undefined {
  const { op, role, tensor: { offset, columns } } = use;
  if (!op.packedReads?.includes(role)) return undefined;
  const tensor = slicePacked(words, offset - start, columns);
  return tensor && { ...use, tensor };
}

/** What a cluster of uses needs, unpacked into memory of its own. */
function unpackedFor(cluster: readonly Use[], saved: Saved, { start, end, words }: Kept): { step: Step; reads: Use[] } {
  const { storage: { name }, rows } = saved, starts = cluster.map(({ tensor }) => tensor.offset);
  // A word is not cut apart: the slice begins at an even column, and ends at one or with the row.
  const low = Math.min(...starts.map((first) => first - (first - start) % 2));
  const most = Math.max(...cluster.map(({ tensor }, i) => starts[i]! + tensor.columns)),
    high = Math.min(end, most + (most - low) % 2);
  const storage = new Storage(`${name} unpacked`, rows * (high - low), "f32");
  const step = unpackHalves(
    slicePacked(words, low - start, high - low)!,
    tensorOver(storage, [rows, high - low]),
  );
  const moved = ({ tensor }: Use): Tensor => ({
    ...tensor,
    storage,
    offset: tensor.offset - low,
    rowStride: high - low,
  });
  return { step, reads: cluster.map((use) => ({ ...use, tensor: moved(use) })) };
}

/** Steps to put behind and in front of others, and reads that change, by the index of a step. */
interface Changes {
  readonly behind: Map<number, Step[]>;
  readonly before: Map<number, Step[]>;
  readonly reads: Map<number, Use[]>;
}

const add = <T>(to: Map<number, T[]>, at: number, item: T) => to.set(at, [...to.get(at) ?? [], item]);

function changesFor(plan: Plan, format: HalfFormat): Changes {
  const changes: Changes = { behind: new Map(), before: new Map(), reads: new Map() };
  for (const saved of savedStorages(plan)) {
    for (const kept of keptColumns(saved, format)) {
      add(changes.behind, saved.last, packHalves(columnsOf(saved, [kept.start, kept.end]), kept.words));
      const uses = saved.uses.filter(({ tensor: { offset } }) => offset >= kept.start && offset < kept.end);
      const asWords = uses.map((use) => wordsFor(use, kept));
      for (const [i, words] of asWords.entries()) if (words) add(changes.reads, uses[i]!.step, words);
      for (const cluster of clusters(uses.filter((_, i) => !asWords[i]))) {
        const { step, reads } = unpackedFor(cluster, saved, kept);
        add(changes.before, cluster[0]!.step, step);
        for (const use of reads) add(changes.reads, use.step, use);
      }
    }
  }
  return changes;
}

/** The plan with its saved activations in `format`. Every storage that is packed here is read by the backward pass only so. */
export function withPackedSaves(plan: Plan, format: HalfFormat): Plan {
  const { behind, before, reads } = changesFor(plan, format);
  const steps = plan.steps.flatMap((step, at): Step[] => {
    const changed = Object.fromEntries((reads.get(at) ?? []).map(({ role, tensor }) => [role, tensor]));
    return [...before.get(at) ?? [], { ...step, reads: { ...step.reads, ...changed } }, ...behind.get(at) ?? []];
  });
  const packed = [...behind.values()].reduce((sum, list) => sum + list.length, 0);
  return { ...plan, steps, forwardSteps: plan.forwardSteps + packed };
}
