import type { Tensor } from "../../tensor/mod.ts";
import type { Launch, Lowering } from "../launch.ts";

const launch = (
  kernel: string,
  { from, to }: { from: Tensor; to: Tensor },
  { B, T, M, D }: Readonly<Record<string, number>>,
): Launch[] => [{
  kernel,
  args: { from, to, strideFrom: from.rowStride, strideTo: to.rowStride, T, M, D },
  blocks: B!,
}];

export const textRowsForward: Lowering = ({ attributes, reads: { x }, writes: { y } }) =>
  launch("text_rows_forward", { from: x!, to: y! }, attributes);

export const textRowsBackward: Lowering = ({ attributes, reads: { dy }, writes: { dx } }) =>
  launch("text_rows_backward", { from: dy!, to: dx! }, attributes);
