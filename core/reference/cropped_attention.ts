/** The documented study's leaky attention in float64: see core/ops/cropped_attention.ts. */
import { backward, forward, type Seen } from "./attention.ts";
import type { Reference } from "./types.ts";

/**
 * A query sees the first `meta` keys. The `crop` keys behind them are left out. Each key s behind these counts as position s − crop,
 * and the query sees it if that is one of the last `window` positions up to its own.
 */
function croppedKeys({ T, window, meta, crop }: { T: number; window: number; meta: number; crop: number }): Seen {
  const positions = Array.from({ length: T }, (_, t) => t);
  const sees = (t: number, place: number) => place <= t && t - place < window;
  return positions.map((t) => positions.filter((s) => s < meta || (s >= meta + crop && sees(t, s - crop))));
}

export const croppedAttentionForward: Reference<"cropped_attention_forward"> = (reads, sizes) =>
  forward(reads, sizes, { seen: croppedKeys(sizes) });

export const croppedAttentionBackward: Reference<"cropped_attention_backward"> = (reads, sizes) =>
  backward(reads, sizes, { seen: croppedKeys(sizes) });
