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

/** Elements of one binding: 128 MiB, which every adapter must offer. A longer stretch is cut. */
export const MOST_ELEMENTS = 2 ** 25;
/** Elements that one workgroup adds up. */
const SPAN = 8192;

const lengthOf = (x: Tensor) => x.rows * x.columns;

/** A stretch as pieces that can be bound. Only pinned stretches can be cut: a slot is bound whole. */
export function pieces(x: Tensor, most = MOST_ELEMENTS): Tensor[] {
  if (!isContiguous(x)) throw new HymbaError(`optimizer: ${describe(x)} is a slice, expected a whole stretch`);
  const length = lengthOf(x), pinned = x.storage.pinned;
  if (length <= most || !pinned) return [x];
  return Array.from({ length: Math.ceil(length / most) }, (_, i) => {
    const start = i * most, elements = Math.min(most, length - start);
    const place = { arena: pinned.arena, offset: pinned.offset + x.offset + start };
    return tensorOver(new Storage(`${x.name} from ${start}`, elements, x.dtype, place), [elements]);
  });
}

export const gradientNorm: Lowering = ({ reads, writes: { norm } }, context) => {
  const LANES = context.adapterClass === "software" ? context.rowLanes : 256;
  const all = Object.values(reads).flatMap((g) => pieces(g));
  const counts = all.map((g) => Math.ceil(lengthOf(g) / SPAN)), total = counts.reduce((sum, count) => sum + count, 0);
  const parts = context.scratch("squares", [total]),
    before = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
  const launches = all.map((g, i) => ({
    kernel: PARTS(context),
    constants: { N: lengthOf(g), SPAN, LANES, G_OFFSET: g.offset, PART_AT: before[i]! },
    reads: [g],
    writes: [parts],
    grid: linearGrid(counts[i]!),
  }));
  const last = {
    kernel: TOTAL(context),
    constants: { PARTS: total, LANES, NORM_OFFSET: norm!.offset },
    reads: [parts],
    writes: [norm!],
    grid: [1, 1, 1] as const,
  };
  return [...launches, last];
};

export const adamw: Lowering = (
  { attributes: { beta1, beta2, eps, decay, clip, scaled }, reads: { g, norm, schedule }, writes: { p, m, v } },
) => {
  const [gs, ps, ms, vs] = [g!, p!, m!, v!].map((x) => pieces(x)) as [Tensor[], Tensor[], Tensor[], Tensor[]];
  const scalars = {
    BETA1: beta1!,
    BETA2: beta2!,
    REST1: 1 - beta1!,
    REST2: 1 - beta2!,
    EPS: eps!,
    DECAY: decay!,
    CLIP: clip!,
    SCALED: scaled!,
    NORM_OFFSET: norm!.offset,
    SCHEDULE_OFFSET: schedule!.offset,
  };
  return ps.map((piece, i) => {
    const tensors = [piece, gs[i]!, ms[i]!, vs[i]!], width = widthOf([lengthOf(piece)], tensors);
    return {
      kernel: ADAMW[width],
      constants: {
        N: lengthOf(piece),
        ...scalars,
        G_OFFSET: gs[i]!.offset,
        P_OFFSET: piece.offset,
        M_OFFSET: ms[i]!.offset,
        V_OFFSET: vs[i]!.offset,
      },
      reads: [gs[i]!, norm!, schedule!],
      writes: [piece, ms[i]!, vs[i]!],
      grid: linearGrid(Math.ceil(lengthOf(piece) / width / 256)),
    };
  });
};
