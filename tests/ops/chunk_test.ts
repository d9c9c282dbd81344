/** A chunk of positions of each sequence, against the same positions one by one in float64, on every executor. */
import { attentionChunkCase, type AttentionChunkSizes, stateChunkCase, type StateChunkSizes } from "./chunk_cases.ts";
import { checkOp } from "./harness.ts";
import { thorough } from "../thorough.ts";

const ATTENTION: readonly AttentionChunkSizes[] = [
  { T: 1, H: 1, G: 1, K: 1, Kv: 1, window: 0, meta: 0, starts: [0], counts: [1] },
  { T: 7, H: 4, G: 2, K: 6, Kv: 10, window: 0, meta: 0, starts: [0, 5], counts: [7, 3] },
  { T: 65, H: 2, G: 1, K: 8, Kv: 12, window: 0, meta: 2, starts: [130, 3, 0], counts: [65, 0, 1] },
  { T: 7, H: 4, G: 2, K: 4, Kv: 8, window: 5, meta: 3, starts: [3, 8, 21], counts: [7, 7, 2] },
  { T: 63, H: 2, G: 2, K: 8, Kv: 4, window: 5, meta: 3, starts: [0, 2, 400], counts: [63, 9, 50] },
  { T: 4, H: 3, G: 1, K: 4, Kv: 4, window: 9, meta: 0, starts: [1, 30], counts: [4, 0] },
  { T: 50, H: 1, G: 1, K: 5, Kv: 65, window: 1, meta: 2, starts: [11], counts: [49] },
  { T: 8, H: 1, G: 1, K: 16, Kv: 260, window: 300, meta: 3, starts: [290, 700], counts: [8, 8] },
];

for (const [i, sizes] of ATTENTION.entries()) {
  const { T, H, G, K, Kv, window, meta, starts } = sizes;
  const title = `T ${T}, heads ${H}/${G}, K ${K}, Kv ${Kv}, window ${window}, meta ${meta}, behind ${starts}`;
  const check = () => checkOp("attention_chunk", attentionChunkCase(sizes));
  thorough(`attention_chunk and cache_fill: ${title}`, check, { unless: i === 1 || i === 3 });
}

const STATES: readonly StateChunkSizes[] = [
  { T: 1, I: 1, N: 1, J: 2, counts: [1] },
  { T: 1, I: 5, N: 4, J: 4, counts: [1, 0] },
  { T: 7, I: 63, N: 5, J: 4, counts: [7, 0, 2] },
  { T: 65, I: 65, N: 16, J: 4, counts: [65, 33, 32], bare: true },
  { T: 40, I: 64, N: 16, J: 3, counts: [1, 39] },
  { T: 2, I: 257, N: 3, J: 8, counts: [2, 1] },
];

for (const sizes of STATES) {
  const { T, I, N, J, counts } = sizes;
  Deno.test(`conv_chunk and scan_chunk: T ${T}, I ${I}, N ${N}, J ${J}, counts ${counts}`, () =>
    checkOp("chunk", { ...stateChunkCase(sizes), asGpu: T === 40 }));
}
