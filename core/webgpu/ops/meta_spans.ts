/**
 * The queries that see only the meta tokens of a block of keys. In the backward pass by keys, one workgroup would walk through all of them
 * alone: in a sequence of 2048 positions with a window of 128, eleven times as many as every other workgroup visits.
 */
import type { AttributesNamed } from "../../ops/registry.ts";
import type { LowerContext } from "../launch.ts";
import { attentionTile } from "../tiles.ts";

/** How these queries are divided among workgroups. */
export interface FarQueries {
  /** Blocks of keys with meta tokens, and their rows. */
  readonly blocks: number;
  readonly rows: number;
  /** Queries of a span, and the number of spans. */
  readonly span: number;
  readonly spans: number;
}

/** A block is not split if it has at most this many times the queries of other blocks: a second launch and its sums cost as much. */
const WHOLE = 3;

/** How to divide these queries; undefined where workgroups of meta tokens take them too. */
export function farQueries(
  { T, window, meta }: Pick<AttributesNamed<"attention_backward">, "T" | "window" | "meta">,
  context: LowerContext,
): FarQueries | undefined {
  if (window === 0 || meta === 0) return undefined;
  const { across, down, quads } = attentionTile(context), block = 4 * quads * down, tile = 4 * across;
  const near = block - 1 + window, far = T - near, { metaSpans, adapterClass } = context;
  if (far <= 0) return undefined;
  const blocks = Math.ceil(Math.min(meta, T) / block), rows = Math.min(blocks * block, T);
  const spanOf = (queries: number) => tile * Math.ceil(queries / tile);
  if (metaSpans !== undefined) return { blocks, rows, span: spanOf(far / metaSpans), spans: metaSpans };
  // A software adapter has as many workgroups as threads at a time, and begins with these.
  if (adapterClass === "software" || T <= WHOLE * near) return undefined;
  const span = spanOf(near);
  return { blocks, rows, span, spans: Math.ceil(far / span) };
}
