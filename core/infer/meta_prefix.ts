/** The caches and states after the meta tokens. They are the same for every text, so they are computed once and copied. */
import type { ParameterStore } from "../params/store.ts";
import type { Data, Executor } from "../plan/mod.ts";
import { sizeOf, type Tensor, tensorOver } from "../tensor/mod.ts";
import { type LayerCache, layoutCaches, type Part, PARTS } from "./caches.ts";
import { chunkPlan } from "./plans.ts";

/** By layer and part, the caches and states of one sequence after the meta tokens. They depend on the weights. */
export type MetaPrefix = readonly Partial<Record<Part, Data>>[];

/** Runs the meta tokens of a model through it. A model without them has states of zero. */
export async function metaPrefix(executor: Executor, store: ParameterStore): Promise<MetaPrefix> {
  const M = store.config.metaTokens, { arena, caches } = layoutCaches(store.config, { B: 1, S: Math.max(1, M) });
  try {
    if (M > 0) {
      const { plan, ids, start, count } = chunkPlan(store, { B: 1, T: 1, positions: M, caches, prefix: true });
      const program = await executor.prepare(plan);
      try {
        program.write(ids, Uint32Array.of(0));
        program.write(start, Uint32Array.of(0));
        program.write(count, Uint32Array.of(M));
        await program.run();
      } finally {
        program.dispose();
      }
    }
    return await Promise.all(caches.map((layer) => partsOf(executor, layer)));
  } finally {
    executor.release(arena);
  }
}

async function partsOf(executor: Executor, layer: LayerCache): Promise<Partial<Record<Part, Data>>> {
  const found: Partial<Record<Part, Data>> = {};
  for (const part of PARTS) {
    const tensor = layer[part];
    if (tensor && sizeOf(tensor.shape) > 0) found[part] = await executor.read(tensor);
  }
  return found;
}

/** Puts the prefix into the caches of all B sequences, whose texts are then empty. */
export function startFrom(
  prefix: MetaPrefix,
  executor: Executor,
  { caches, meta }: { caches: readonly LayerCache[]; meta: number },
): void {
  for (const [index, layer] of caches.entries()) {
    for (const part of PARTS) {
      const tensor = layer[part], data = prefix[index]?.[part];
      if (!tensor || !data) continue;
      // Slots after the meta tokens are written before they are read.
      const size = part === "k" || part === "v" ? meta * sizeOf(tensor.shape.slice(2)) : data.length;
      if (size > 0) { for (const own of sequencesOf(tensor, size)) executor.write(own, data.slice(0, size)); }
    }
  }
}

/** The first `size` elements of each sequence's part of a cache. */
function sequencesOf({ storage, shape: [B = 0, ...rest] }: Tensor, size: number): Tensor[] {
  return Array.from({ length: B }, (_, b) => tensorOver(storage, [size], { offset: b * sizeOf(rest) }));
}
