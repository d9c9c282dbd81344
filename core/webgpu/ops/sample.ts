import code from "../../../wgsl/sample.wgsl" with { type: "text" };
import { type Lowering, placeOf } from "../launch.ts";
import { rowKernel } from "./row_kernel.ts";

const KERNEL = rowKernel("sample", code);

export const sample: Lowering<"sample"> = (
  { attributes: { B, V, rows }, reads: { logits, settings }, writes: { token, position, turn, seen, history } },
  context,
) => [{
  kernel: KERNEL(context),
  constants: { B, V, ROWS: rows, LANES: context.rowLanes, ...placeOf("LOGITS", logits) },
  reads: [logits, settings],
  writes: [token, position, turn, seen, history, context.scratch("sample", [B, 2, V], "u32")],
  grid: [B, 1, 1],
}];
