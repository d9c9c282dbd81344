import backwardMeta from "../../../wgsl/embedding_backward_meta.wgsl" with { type: "text" };
import backwardTable from "../../../wgsl/embedding_backward_table.wgsl" with { type: "text" };
import chainCode from "../../../wgsl/embedding_chain.wgsl" with { type: "text" };
import fillCode from "../../../wgsl/fill_zero.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/embedding_forward.wgsl" with { type: "text" };
import { kernel, type Launch, linearGrid, type Lowering, placeOf } from "../launch.ts";

const FORWARD = kernel("embedding_forward", forwardCode);
const CHAIN = kernel("embedding_chain", chainCode);
const FILL = kernel("fill_zero", fillCode);
const BACKWARD_TABLE = kernel("embedding_backward_table", backwardTable);
const BACKWARD_META = kernel("embedding_backward_meta", backwardMeta);

export const embeddingForward: Lowering<"embedding_forward"> = (
  { attributes: { B, T, M, D }, reads: { ids, table, meta }, writes: { x } },
) => [{
  kernel: FORWARD,
  constants: { B, T, M, D, TABLE_OFFSET: table.offset, META_OFFSET: meta?.offset ?? 0 },
  reads: [ids, table, meta ?? table],
  writes: [x],
  grid: linearGrid(Math.ceil(B * (M + T) * D / 64)),
}];

export const embeddingBackward: Lowering<"embedding_backward"> = (
  { attributes: { B, T, M, V, D }, reads: { ids, dx }, writes: { dtable, dmeta }, accumulate },
  { scratch },
) => {
  const sizes = { B, T, M, D }, P = B * T, chain = scratch("chain", [P, 2], "u32");
  const added = accumulate.includes("dtable");
  const fill: Launch = {
    kernel: FILL,
    constants: { N: V * D, OUT_OFFSET: dtable.offset },
    reads: [],
    writes: [dtable],
    grid: linearGrid(Math.ceil(V * D / 64)),
  };
  const meta: Launch | undefined = dmeta && {
    kernel: BACKWARD_META,
    constants: { ...sizes, ...placeOf("DX", dx), DMETA_OFFSET: dmeta.offset },
    reads: [dx],
    writes: [dmeta],
    grid: [Math.ceil(M * D / 64), 1, 1],
  };
  return [
    ...(added ? [] : [fill]),
    ...(meta ? [meta] : []),
    { kernel: CHAIN, constants: { P }, reads: [ids], writes: [chain], grid: [Math.ceil(P / 64), 1, 1] },
    {
      kernel: BACKWARD_TABLE,
      constants: { ...sizes, ACCUMULATE: added ? 1 : 0, ...placeOf("DX", dx), DTABLE_OFFSET: dtable.offset },
      reads: [ids, chain, dx],
      writes: [dtable],
      grid: linearGrid(P),
    },
  ];
};
