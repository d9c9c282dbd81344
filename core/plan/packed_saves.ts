/**
 * A pass over a finished plan: activations that the backward pass reads are stored as 16-bit floats, two in a word. Each tensor
 * is packed after its last use in the forward pass. It is unpacked before its uses in the backward pass, into memory that lives
 * only as long as these uses. Arithmetic stays f32, and the forward pass does not change.
 */
import { packedLike, packHalves, unpackHalves } from "../ops/halves.ts";
import { type HalfFormat, type Op, slicePacked, type Step, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";
import type { Plan } from "./plan.ts";
import { at, present } from "../lists.ts";

/** Most steps between two uses of an unpacked tensor. After more steps it is unpacked again instead of being kept. */
const NEAR = 6;

/** A read of a saved tensor: the step and the role. */
interface Use {
  readonly op: Op;
  readonly step: number;
  readonly role: string;
  readonly tensor: Tensor;
}

/** A saved storage as rows of `stride` columns, and the steps that read it. */
interface Saved {
  readonly storage: Storage;
  readonly rows: number;
  readonly stride: number;
  /** The last step of the forward pass that uses it. */
  readonly last: number;
  readonly uses: readonly Use[];
}

/** Columns [start, end) of a saved storage, packed into words. */
interface PackedColumns {
  readonly start: number;
  readonly end: number;
  readonly words: Tensor;
}

const rolesOf = ({ op }: Step, tensors: Step["reads"], step: number): Use[] =>
  Object.entries(tensors).map(([role, tensor]) => ({ op, step, role, tensor }));

function savedStorages({ steps, forwardSteps, outputs, metrics }: Plan): Saved[] {
  const excluded = new Set([...outputs, ...metrics].map(({ storage }) => storage));
  const written = new Map<Storage, Use[]>(), read = new Map<Storage, Use[]>(), last = new Map<Storage, number>();
  const note = (into: Map<Storage, Use[]>, use: Use) =>
    into.set(use.tensor.storage, [...into.get(use.tensor.storage) ?? [], use]);
  for (const [at, step] of steps.entries()) {
    const forward = at < forwardSteps, { op, reads, writes } = step;
    for (const use of rolesOf(step, writes, at)) {
      if (!forward || op.exactWrites?.includes(use.role)) excluded.add(use.tensor.storage);
      else note(written, use);
    }
    for (const use of rolesOf(step, reads, at)) {
      if (!forward) note(read, use);
      if (!forward && op.exactReads?.includes(use.role)) excluded.add(use.tensor.storage);
    }
    if (forward) {
      for (const { storage } of [...Object.values(reads), ...Object.values(writes)]) last.set(storage, at);
    }
  }
  return [...written].flatMap(([storage, writers]) => {
    const uses = read.get(storage);
    if (!uses || excluded.has(storage) || storage.pinned || storage.dtype !== "f32") return [];
    const { rows, rowStride: stride } = at(writers, 0).tensor;
    // Packing works row by row, so all steps have to divide the storage into the same rows.
    const sameRows = [...writers, ...uses].every(({ tensor }) =>
      tensor.rowStride === stride && tensor.rows === rows && tensor.offset + tensor.columns <= stride
    );
    if (!sameRows || rows * stride !== storage.elements) return [];
    return [{ storage, rows, stride, last: present(last.get(storage), `the last use of ${storage.name}`), uses }];
  });
}

/** Columns [start, end) of a storage's rows. */
const columnsOf = (
  { storage, rows, stride }: Saved,
  [start, end]: readonly [number, number],
): Tensor => ({ ...tensorOver(storage, [rows, end - start], { offset: start }), rowStride: stride });

/** The columns that are read. Columns that overlap or touch are packed together. */
function packedColumns(saved: Saved, format: HalfFormat): PackedColumns[] {
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

/** Groups of uses that are close enough to share one unpacked tensor. */
function clusters(uses: readonly Use[]): Use[][] {
  const found: Use[][] = [];
  for (const use of uses) {
    const cluster = found.at(-1), before = cluster?.at(-1);
    if (cluster && before && use.step - before.step <= NEAR) cluster.push(use);
    else found.push([use]);
  }
  return found;
}

/**
 * The use with the packed words as its tensor; undefined if its kernels cannot read packed words, or if a word would be
 * divided.
 */
function wordsFor(use: Use, { start, words }: PackedColumns): Use | undefined {
  const { op, role, tensor: { offset, columns } } = use;
  if (!op.packedReads?.includes(role)) return undefined;
  const tensor = slicePacked(words, offset - start, columns);
  return tensor && { ...use, tensor };
}

/** A step that unpacks the columns of a cluster of uses into new memory, and the uses with that memory as their tensor. */
function unpackedFor(
  cluster: readonly Use[],
  saved: Saved,
  { start, end, words }: PackedColumns,
): { step: Step; reads: Use[] } {
  const { storage: { name }, rows } = saved, starts = cluster.map(({ tensor }) => tensor.offset);
  // No word may be divided: the slice begins at an even column, and ends at an even column or at the end of the row.
  const low = Math.min(...starts.map((first) => first - (first - start) % 2));
  const most = Math.max(...cluster.map(({ tensor }, i) => at(starts, i) + tensor.columns)),
    high = Math.min(end, most + (most - low) % 2);
  const storage = new Storage(`${name} unpacked`, rows * (high - low), "f32");
  const slice = present(slicePacked(words, low - start, high - low), `the words of ${name}`);
  const step = unpackHalves(slice, tensorOver(storage, [rows, high - low]));
  const moved = ({ tensor }: Use): Tensor => ({
    ...tensor,
    storage,
    offset: tensor.offset - low,
    rowStride: high - low,
  });
  return { step, reads: cluster.map((use) => ({ ...use, tensor: moved(use) })) };
}

/** Steps to insert after and before others, and reads to replace, by the index of a step. */
interface Changes {
  readonly after: Map<number, Step[]>;
  readonly before: Map<number, Step[]>;
  readonly reads: Map<number, Use[]>;
}

const add = <T>(to: Map<number, T[]>, at: number, item: T) => to.set(at, [...to.get(at) ?? [], item]);

function changesFor(plan: Plan, format: HalfFormat): Changes {
  const changes: Changes = { after: new Map(), before: new Map(), reads: new Map() };
  for (const saved of savedStorages(plan)) {
    for (const kept of packedColumns(saved, format)) {
      add(changes.after, saved.last, packHalves(columnsOf(saved, [kept.start, kept.end]), kept.words));
      const uses = saved.uses.filter(({ tensor: { offset } }) => offset >= kept.start && offset < kept.end);
      const asWords = uses.map((use) => wordsFor(use, kept));
      for (const [i, words] of asWords.entries()) if (words) add(changes.reads, at(uses, i).step, words);
      for (const cluster of clusters(uses.filter((_, i) => !asWords[i]))) {
        const { step, reads } = unpackedFor(cluster, saved, kept);
        add(changes.before, at(cluster, 0).step, step);
        for (const use of reads) add(changes.reads, use.step, use);
      }
    }
  }
  return changes;
}

/** The plan with its saved activations in `format`. The backward pass reads only the packed words. */
export function withPackedSaves(plan: Plan, format: HalfFormat): Plan {
  const { after, before, reads } = changesFor(plan, format);
  const steps = plan.steps.flatMap((step, at): Step[] => {
    const changed = Object.fromEntries((reads.get(at) ?? []).map(({ role, tensor }) => [role, tensor]));
    return [...before.get(at) ?? [], { ...step, reads: { ...step.reads, ...changed } }, ...after.get(at) ?? []];
  });
  const packed = [...after.values()].reduce((sum, list) => sum + list.length, 0);
  return { ...plan, steps, forwardSteps: plan.forwardSteps + packed };
}
