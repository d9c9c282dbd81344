import type { AttributesNamed } from "../../ops/registry.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { type Launch, type Lowering, stridesOf } from "../launch.ts";

const launch = (
  kernel: string,
  { from, to }: { from: Tensor; to: Tensor },
  { B, T, M, D }: AttributesNamed<"text_rows_forward">,
): Launch[] => [{
  kernel,
  args: { from, to, ...stridesOf({ from, to }), T, M, D },
  blocks: B,
}];

export const textRowsForward: Lowering<"text_rows_forward"> = ({ attributes, reads: { x }, writes: { y } }) =>
  launch("text_rows_forward", { from: x, to: y }, attributes);

export const textRowsBackward: Lowering<"text_rows_backward"> = ({ attributes, reads: { dy }, writes: { dx } }) =>
  launch("text_rows_backward", { from: dy, to: dx }, attributes);
