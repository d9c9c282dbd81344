/** The plans of generation: one step that draws a token of each sequence, and a chunk of given tokens. */
import { recordLayers } from "../nn/model.ts";
import { embedStep } from "../ops/decode.ts";
import { embedding } from "../ops/embedding.ts";
import { linear } from "../ops/linear.ts";
import { sample, type SampleState } from "../ops/sample.ts";
import type { ParameterStore } from "../params/store.ts";
import { finish, type Plan, withProductsLike } from "../plan/mod.ts";
import { Tape, type Tensor } from "../tensor/mod.ts";
import type { LayerCache } from "./caches.ts";
import { Chunk } from "./chunk.ts";
import { OnePosition } from "./one_position.ts";

export interface StepPlan {
  readonly plan: Plan;
  /** [B, 8] u32, see `settingsWords`. */
  readonly settings: Tensor;
  /** [B, V]. */
  readonly logits: Tensor;
}

/**
 * One step of B sequences: takes the token of each, appends it, and draws the next. Tokens and positions are on the device, so
 * that the step can be repeated without the host. `positions`: most that a sequence has, meta tokens included.
 */
export function stepPlan(
  store: ParameterStore,
  { positions, caches, state }: { positions: number; caches: readonly LayerCache[]; state: SampleState },
): StepPlan {
  const tape = new Tape(false), { token, position } = state;
  const settings = tape.input("settings", [...token.shape, 8], { dtype: "u32" });
  const hidden = recordLayers(tape, store, {
    positions,
    mixing: new OnePosition(tape, store.config, { position, caches }),
    // The meta tokens have been appended before: no position is one of them.
    embed: ({ table }) => embedStep(tape, { token, position, table }),
  });
  const logits = linear(tape, { x: hidden, w: store.tensor("embedding") }, { name: "logits" });
  sample(tape, { logits, settings, state });
  const plan = finish(tape, { name: `decoding ${store.config.archType}`, outputs: [logits] });
  return { plan: withProductsLike(plan, 1), settings, logits };
}

export interface ChunkPlan {
  readonly plan: Plan;
  /** [B, T] u32; ids after the count of a sequence must be valid tokens but are ignored. */
  readonly ids: Tensor;
  /** [B] u32 each. */
  readonly start: Tensor;
  readonly count: Tensor;
  /** [B, T, V], if requested. */
  readonly logits?: Tensor;
}

/**
 * Appends up to T tokens to each of B sequences at once. With `prefix` the meta tokens come before one token: T + M rows, of
 * which M count. `logits`: also computes those of every position.
 */
export function chunkPlan(
  store: ParameterStore,
  { B, T, positions, caches, prefix = false, logits: wanted = false }: {
    B: number;
    T: number;
    positions: number;
    caches: readonly LayerCache[];
    prefix?: boolean;
    logits?: boolean;
  },
): ChunkPlan {
  const tape = new Tape(false), word = { dtype: "u32" } as const, rows = T + (prefix ? store.config.metaTokens : 0);
  const ids = tape.input("ids", [B, T], word), start = tape.input("start", [B], word);
  const count = tape.input("count", [B], word), mixing = new Chunk(tape, store.config, { start, count, caches });
  const hidden = recordLayers(tape, store, {
    positions: positions + rows,
    mixing,
    embed: ({ table, meta }) => embedding(tape, { ids, table, meta: prefix ? meta : undefined }),
  });
  mixing.fill();
  const logits = wanted ? linear(tape, { x: hidden, w: store.tensor("embedding") }, { name: "logits" }) : undefined;
  const plan = finish(tape, { name: `reading ${store.config.archType}`, outputs: logits ? [logits] : [] });
  return { plan: withProductsLike(plan, rows), ids, start, count, logits };
}
