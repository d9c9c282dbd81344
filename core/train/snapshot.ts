/** Weights and moments between the executor and a checkpoint. */
import type { LoadedCheckpoint } from "../params/checkpoint.ts";
import { HymbaError } from "../errors.ts";
import type { StoredTensor } from "../params/safetensors.ts";
import type { ArenaName, ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";

/** The group of a checkpoint that each arena is kept in. */
const GROUPS: readonly (readonly [string, ArenaName])[] = [
  ["weights", "parameters"],
  ["first_moments", "firstMoments"],
  ["second_moments", "secondMoments"],
];

export type Tensors = Record<string, StoredTensor>;

/** One arena as named float32 tensors. */
export async function takeArena(executor: Executor, store: ParameterStore, arena: ArenaName): Promise<Tensors> {
  const values = await store.read(executor, arena);
  return Object.fromEntries(
    store.specs.map(({ name, shape }) => [name, { dtype: "F32", shape: [...shape], data: values[name]! }]),
  );
}

/** Weights and both moments, as the groups of a checkpoint. */
export async function takeSnapshot(executor: Executor, store: ParameterStore): Promise<Record<string, Tensors>> {
  const groups: Record<string, Tensors> = {};
  for (const [group, arena] of GROUPS) groups[group] = await takeArena(executor, store, arena);
  return groups;
}

/** Bytes of the values in a snapshot: weights and two moments of four bytes each. */
export const snapshotBytes = ({ specs }: ParameterStore): number =>
  GROUPS.length * 4 * specs.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0);

/** Writes named float32 tensors into an arena. Throws a HymbaError when one is missing or has another size. */
export function putArena(
  executor: Executor,
  store: ParameterStore,
  { tensors, arena }: { tensors: Readonly<Record<string, StoredTensor>>; arena: ArenaName },
): void {
  const values = Object.entries(tensors).map(([name, { dtype, data }]) => {
    if (dtype !== "F32") throw new HymbaError(`${name} is stored as ${dtype}`, { expected: "F32" });
    return [name, data as Float32Array<ArrayBuffer>] as const;
  });
  store.write(executor, Object.fromEntries(values), arena);
}

export function putSnapshot(
  executor: Executor,
  store: ParameterStore,
  { groups }: Pick<LoadedCheckpoint, "groups">,
): void {
  for (const [group, arena] of GROUPS) putArena(executor, store, { tensors: groups[group] ?? {}, arena });
}

/** Sets both moments to zero, for a stage that starts from given weights. */
export function clearMoments(executor: Executor, store: ParameterStore): void {
  for (const { m, v } of store.stretches) {
    for (const moment of [m, v]) executor.write(moment, new Float32Array(moment.rows * moment.columns));
  }
}
