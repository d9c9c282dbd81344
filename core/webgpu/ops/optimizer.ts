import adamwCode from "../../../wgsl/adamw.wgsl" with { type: "text" };
import partsCode from "../../../wgsl/gradient_norm_parts.wgsl" with { type: "text" };
import totalCode from "../../../wgsl/gradient_norm_total.wgsl" with { type: "text" };
import { HymbaError } from "../../errors.ts";
import { describe, isContiguous, Storage, type Tensor, tensorOver } from "../../tensor/mod.ts";
import { kernel, linearGrid, type Lowering } from "../launch.ts";
import { rowKernel } from "./row_kernel.ts";
import { forWidths, widthOf } from "./width.ts";

const PARTS = rowKernel("gradient_norm_parts", partsCode);
const TOTAL = rowKernel("gradient_norm_total", totalCode);
const ADAMW = forWidths("adamw", (name, vec) => kernel(name, vec, adamwCode));

/** Most elements of one binding: 128 MiB, which every adapter must offer. A longer tensor is cut into pieces. */
const MOST_ELEMENTS = 2 ** 25;
/** Elements that one workgroup sums. */
const SPAN = 8192;

const lengthOf = (x: Tensor) => x.rows * x.columns;

/** Number of pieces of a tensor. Only pinned tensors can be cut, because a slot is bound whole. */
const pieceCount = (x: Tensor, most: number): number => x.storage.pinned ? Math.ceil(lengthOf(x) / most) : 1;

/** Piece `i` of a tensor: at most `most` elements. */
function piece(x: Tensor, i: number, most: number): Tensor {
  const { storage: { pinned }, name, offset, dtype } = x, start = i * most;
  if (!pinned || lengthOf(x) <= most) return x;
  const elements = Math.min(most, lengthOf(x) - start);
  const place = { arena: pinned.arena, offset: pinned.offset + offset + start };
  return tensorOver(new Storage(`${name} from ${start}`, elements, dtype, place), [elements]);
}

/** The pieces of a tensor. Throws a HymbaError for a slice. */
export function pieces(x: Tensor, most = MOST_ELEMENTS): Tensor[] {
  if (!isContiguous(x)) throw new HymbaError(`optimizer: ${describe(x)} is a slice, expected a contiguous tensor`);
  return Array.from({ length: pieceCount(x, most) }, (_, i) => piece(x, i, most));
}

export const gradientNorm: Lowering<"gradient_norm"> = ({ reads, writes: { norm } }, context) => {
  const LANES = context.adapterClass === "software" ? context.rowLanes : 256;
  const all = Object.values(reads).flatMap((g) => pieces(g));
  const groupsOf = (g: Tensor) => Math.ceil(lengthOf(g) / SPAN), total = all.reduce((sum, g) => sum + groupsOf(g), 0);
  const parts = context.scratch("squares", [total]);
  let before = 0;
  const launches = all.map((g) => {
    const groups = groupsOf(g), constants = { N: lengthOf(g), SPAN, LANES, G_OFFSET: g.offset, PART_AT: before };
    before += groups;
    return { kernel: PARTS(context), constants, reads: [g], writes: [parts], grid: linearGrid(groups) };
  });
  const last = {
    kernel: TOTAL(context),
    constants: { PARTS: total, LANES, NORM_OFFSET: norm.offset },
    reads: [parts],
    writes: [norm],
    grid: [1, 1, 1] as const,
  };
  return [...launches, last];
};

export const adamw: Lowering<"adamw"> = (
  { attributes: { beta1, beta2, eps, decay, clip, scaled }, reads: { g, norm, schedule }, writes: { p, m, v } },
) => {
  const scalars = {
    BETA1: beta1,
    BETA2: beta2,
    REST1: 1 - beta1,
    REST2: 1 - beta2,
    EPS: eps,
    DECAY: decay,
    CLIP: clip,
    SCALED: scaled,
    NORM_OFFSET: norm.offset,
    SCHEDULE_OFFSET: schedule.offset,
  };
  return pieces(p).map((weights, i) => {
    const gradient = piece(g, i, MOST_ELEMENTS);
    const first = piece(m, i, MOST_ELEMENTS), second = piece(v, i, MOST_ELEMENTS);
    const N = lengthOf(weights), width = widthOf([N], [weights, gradient, first, second]);
    return {
      kernel: ADAMW[width],
      constants: {
        N,
        ...scalars,
        G_OFFSET: gradient.offset,
        P_OFFSET: weights.offset,
        M_OFFSET: first.offset,
        V_OFFSET: second.offset,
      },
      reads: [gradient, norm, schedule],
      writes: [weights, first, second],
      grid: linearGrid(Math.ceil(N / width / 256)),
    };
  });
};
