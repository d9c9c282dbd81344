import delta from "../../../wgsl/attention_backward_delta.wgsl" with { type: "text" };
import dkv from "../../../wgsl/attention_backward_dkv.wgsl" with { type: "text" };
import dq from "../../../wgsl/attention_backward_dq.wgsl" with { type: "text" };
import forward from "../../../wgsl/attention_forward.wgsl" with { type: "text" };
import columns from "../../../wgsl/lib/attention_columns.wgsl" with { type: "text" };
import columnsSubgroup from "../../../wgsl/lib/attention_columns_subgroup.wgsl" with { type: "text" };
import columnsWorkgroup from "../../../wgsl/lib/attention_columns_workgroup.wgsl" with { type: "text" };
import keys from "../../../wgsl/lib/attention_keys.wgsl" with { type: "text" };
import tile from "../../../wgsl/lib/attention_tile.wgsl" with { type: "text" };
import tileSubgroup from "../../../wgsl/lib/attention_tile_subgroup.wgsl" with { type: "text" };
import tileWorkgroup from "../../../wgsl/lib/attention_tile_workgroup.wgsl" with { type: "text" };
import rowFours from "../../../wgsl/lib/row_fours.wgsl" with { type: "text" };
import rowOnes from "../../../wgsl/lib/row_ones.wgsl" with { type: "text" };
import sees from "../../../wgsl/lib/sees.wgsl" with { type: "text" };
import type { AttributesNamed, StepNamed } from "../../ops/registry.ts";
import { type Tensor, tensorOver } from "../../tensor/mod.ts";
import {
  type Kernel,
  kernel,
  type Launch,
  linearGrid,
  type LowerContext,
  type Lowering,
  placeOf,
  specialised,
} from "../launch.ts";
import { attentionTile } from "../tiles.ts";
import { type FarQueries, farQueries } from "./meta_spans.ts";
import { sumPartials } from "./sum_partials.ts";
import { widthOf } from "./width.ts";

const DELTA = kernel("attention_backward_delta", delta);

/** The text before the passes over pairs: with workgroup memory, or for a workgroup that is one subgroup. */
const libraryOf = (tiles: string, moves: string): string =>
  // WGSL has no generics, so rows of K and of V numbers have a copy of the text each.
  [sees, tile, tiles, ...["K", "V"].map((name) => `${moves}${columns}`.replaceAll("COLUMNS", name))].join("\n");
const WORKGROUP = libraryOf(tileWorkgroup, columnsWorkgroup), SUBGROUP = libraryOf(tileSubgroup, columnsSubgroup);

/** The common part of the three passes over pairs. */
function pass(
  name: string,
  code: string,
  { attributes, tensors, context }: {
    attributes: AttributesNamed<"attention_forward">;
    tensors: Readonly<Record<string, Tensor>>;
    context: LowerContext;
  },
): { kernel: Kernel; constants: Record<string, number>; blocks: number } {
  const { T, H, G, K, Kv, window, meta } = attributes;
  const width = widthOf([K, Kv], Object.values(tensors)), { across, down, quads } = attentionTile(context);
  const each = { K_EACH: Math.ceil(K / (4 * across)), V_EACH: Math.ceil(Kv / (4 * across)) };
  const whole = kernel(`${name} x${width}`, width === 4 ? rowFours : rowOnes, down === 1 ? SUBGROUP : WORKGROUP, code);
  const places = Object.entries(tensors).map(([role, tensor]) => placeOf(role, tensor));
  return {
    kernel: specialised(whole, { ACROSS: across, DOWN: down, QUADS: quads, ...each }),
    constants: Object.assign(
      { T, H, G, K, V: Kv, WINDOW: window, META: meta },
      ...places,
    ),
    blocks: Math.ceil(T / (4 * quads * down)),
  };
}

export const attentionForward: Lowering<"attention_forward"> = (
  { attributes, reads: { q, k, v }, writes: { o, lse } },
  context,
) => {
  const tensors = { Q: q, K: k, V: v, O: o };
  const { kernel, constants, blocks } = pass("attention_forward", keys + forward, {
    attributes,
    tensors,
    context,
  });
  return [{
    kernel,
    constants,
    reads: [q, k, v],
    writes: [o, lse],
    grid: [blocks, attributes.H, attributes.B],
  }];
};

export const attentionBackward: Lowering<"attention_backward"> = (step, context) => {
  const { attributes: { B, T, H, Kv }, reads: { o, dO }, writes: { dk, dv } } = step;
  const rows = B * T * H, deltas = context.scratch("delta", [B, T, H]);
  const deltaLaunch = {
    kernel: DELTA,
    constants: { ROWS: rows, H, V: Kv, ...placeOf("O", o), ...placeOf("DO", dO) },
    reads: [o, dO],
    writes: [deltas],
    grid: linearGrid(Math.ceil(rows / 64)),
  };
  // One buffer cannot be bound twice for writing, so two slices of one buffer are written by two launches.
  const shared = dk.storage === dv.storage;
  const far = farQueries(step.attributes, context);
  const byKeys = (shared ? [{ dk }, { dv }] : [{ dk, dv }]).map((targets) =>
    keyPass(step, context, { deltas, ...targets, ...(far && { wholeMeta: 0 }) })
  );
  return [
    deltaLaunch,
    queryPass(step, context, deltas),
    ...byKeys,
    ...(far ? farPass(step, context, { deltas, far }) : []),
  ];
};

/** Computes the contributions of queries beyond the windows of meta tokens: one workgroup per span, then a sum in fixed order. */
function farPass(
  step: StepNamed<"attention_backward">,
  context: LowerContext,
  { deltas, far }: { deltas: Tensor; far: FarQueries },
): Launch[] {
  const { attributes: { B, T, G, K, Kv }, writes } = step, { spans, rows } = far;
  const partial = (name: string, columns: number) => context.scratch(name, [spans, B, rows, G, columns]);
  const dk = partial("dk of meta tokens", K), dv = partial("dv of meta tokens", Kv);
  // The partial sums have no gaps, which a row of several heads in `writes` may have.
  const asRows = (x: Tensor, columns: number) => tensorOver(x.storage, [spans * B * rows, columns]);
  const sum = (x: Tensor, out: Tensor) => sumPartials(x, out, { accumulate: true, rows: { first: rows, of: T } });
  return [
    keyPass(step, context, { deltas, dk: asRows(dk, G * K), dv: asRows(dv, G * Kv), far }),
    sum(dk, writes.dk),
    sum(dv, writes.dv),
  ];
}

function queryPass(
  { attributes, reads: { q, k, v, dO, lse }, writes: { dq: target } }: StepNamed<"attention_backward">,
  context: LowerContext,
  deltas: Tensor,
): Launch {
  const { B, H } = attributes;
  const tensors = { Q: q, K: k, V: v, DO: dO, DQ: target };
  const { kernel, constants, blocks } = pass("attention_backward_dq", keys + dq, {
    attributes,
    tensors,
    context,
  });
  return { kernel, constants, reads: [q, k, v, dO, lse, deltas], writes: [target], grid: [blocks, H, B] };
}

function keyPass(
  { attributes, reads: { q, k, v, dO, lse }, accumulate }: StepNamed<"attention_backward">,
  context: LowerContext,
  { deltas, dk, dv, far, wholeMeta = attributes.meta }: {
    deltas: Tensor;
    dk?: Tensor;
    dv?: Tensor;
    /** Only the queries behind the windows of meta tokens. */
    far?: FarQueries;
    /** Leading keys whose workgroups visit all queries. */
    wholeMeta?: number;
  },
): Launch {
  const { B, T, G } = attributes, nowhere = context.scratch("not written", [4]);
  const tensors = { Q: q, K: k, V: v, DO: dO, DK: dk ?? nowhere, DV: dv ?? nowhere };
  const { kernel, constants, blocks } = pass("attention_backward_dkv", dkv, {
    attributes,
    tensors,
    context,
  });
  const adds = far === undefined && accumulate.includes("dk");
  const switches = { ACCUMULATE: adds ? 1 : 0, WRITE_DK: dk ? 1 : 0, WRITE_DV: dv ? 1 : 0 };
  const visits = far
    ? { WHOLE_META: 0, SPAN: far.span, SPANS: far.spans, TARGET_ROWS: far.rows }
    : { WHOLE_META: wholeMeta, SPAN: 0, SPANS: 1, TARGET_ROWS: T };
  return {
    kernel,
    constants: { ...constants, ...switches, ...visits },
    reads: [q, k, v, dO, lse, deltas],
    writes: [dk ?? nowhere, dv ?? nowhere],
    grid: [far?.blocks ?? blocks, G, B * visits.SPANS],
  };
}
