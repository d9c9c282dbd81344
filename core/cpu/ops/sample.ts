import type { Lowering } from "../launch.ts";

export const sample: Lowering<"sample"> = (
  { attributes: { B, V, rows }, reads: { logits, settings }, writes: { token, position, turn, seen, history } },
) => [{
  kernel: "sample",
  args: {
    logits,
    settings,
    position,
    turn,
    seen,
    history,
    token,
    strideLogits: logits.rowStride,
    B,
    V,
    rows,
  },
  blocks: B,
  workspace: 8 + 3 * Math.ceil(V / 4) * 4,
}];
