/** Copies weights and moments from the executor to a checkpoint and back. */
import type { LoadedCheckpoint } from "../params/checkpoint.ts";
import { fittingWeights } from "../params/fitting.ts";
import type { StoredTensor } from "../params/safetensors.ts";
import type { ArenaName, ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { present } from "../lists.ts";

/** The group of a checkpoint for each arena. */
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
    store.specs.map((
      { name, shape },
    ) => [name, { dtype: "F32", shape: [...shape], data: present(values[name], name) }]),
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

/**
 * Writes named float32 tensors into an arena. `name`: the name of their file in errors. Throws a HymbaError if one is missing,
 * unknown or of another shape, for example transposed; then nothing is written.
 */
export function putArena(
  executor: Executor,
  store: ParameterStore,
  { tensors, arena, name }: { tensors: Readonly<Record<string, StoredTensor>>; arena: ArenaName; name: string },
): void {
  store.write(executor, fittingWeights(store.config, { tensors, name }), arena);
}

/** Writes weights and both moments, the groups of a checkpoint. Throws as {@link putArena} does. */
export function putSnapshot(
  executor: Executor,
  store: ParameterStore,
  { groups, name }: Pick<LoadedCheckpoint, "groups"> & { name: string },
): void {
  for (const [group, arena] of GROUPS) {
    putArena(executor, store, { tensors: groups[group] ?? {}, arena, name: `${name}, ${group}` });
  }
}

/** Sets the sums of gradients to zero. */
export function clearSums(executor: Executor, store: ParameterStore): void {
  for (const { g } of store.ranges) {
    const sum = store.sumOf(g);
    executor.write(sum, new Float32Array(sum.rows * sum.columns));
  }
}

/** Sets both moments to zero, for a stage that starts from given weights. */
export function clearMoments(executor: Executor, store: ParameterStore): void {
  for (const { m, v } of store.ranges) {
    for (const moment of [m, v]) executor.write(moment, new Float32Array(moment.rows * moment.columns));
  }
}
