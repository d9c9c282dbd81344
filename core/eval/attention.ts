/** Attention maps of some layers. A kernel computes them from the saved log-sum-exp. */
import { ArchType, attentionCodes, type HymbaConfig, type Layer, layersOf } from "../config/mod.ts";
import type { AttentionMap } from "../record/mod.ts";
import { at, present } from "../lists.ts";
import { forward } from "../nn/model.ts";
import { attentionMap } from "../ops/attention_map.ts";
import type { ParameterStore } from "../params/store.ts";
import { type Executor, finish } from "../plan/mod.ts";
import { Tape } from "../tensor/mod.ts";

/**
 * The layers in the figure: of a hybrid all global layers, else three of them; and the local layers at one and three quarters
 * of their number.
 */
function shownLayers(config: HymbaConfig): Layer[] {
  const layers = layersOf(config).filter(({ attention }) => attention);
  const global = layers.filter(({ window }) => window === 0), local = layers.filter(({ window }) => window > 0);
  const some = config.archType === ArchType.HYBRID ? global : [global[0], global[global.length >> 1], global.at(-1)];
  const shown = [...some, local[Math.floor((local.length - 1) / 4)], local[Math.ceil((local.length - 1) * 3 / 4)]];
  return [...new Set(shown)].filter((layer) => layer !== undefined).sort((a, b) => a.index - b.index);
}

/**
 * Attention probabilities of some layers for one text of T tokens, [H, M + T, M + T] each. Throws an Error for a layer without
 * attention.
 */
export async function attentionOf(
  executor: Executor,
  store: ParameterStore,
  { ids, layers }: { ids: Uint32Array<ArrayBuffer>; layers: readonly Layer[] },
): Promise<Float32Array[]> {
  const meta = store.config.metaTokens, tape = new Tape(false);
  const input = tape.input("ids", [1, ids.length], { dtype: "u32" });
  const { traces } = forward(tape, input, store);
  const maps = layers.map(({ index, window }) =>
    attentionMap(tape, present(traces[index], `the attention of layer ${index}`), { window, meta })
  );
  const program = await executor.prepare(finish(tape, { name: "attention maps", outputs: maps }));
  try {
    program.write(input, ids);
    await program.run();
    const found: Float32Array[] = [];
    for (const map of maps) found.push(await program.read(map) as Float32Array);
    return found;
  } finally {
    program.dispose();
  }
}

/** Attention probabilities of each shown layer for one text of T tokens: per head, and their mean. `labels`: a word for each token. */
export async function captureAttention(
  executor: Executor,
  store: ParameterStore,
  { ids, labels }: { ids: Uint32Array<ArrayBuffer>; labels: readonly string[] },
): Promise<AttentionMap[]> {
  const config = store.config, M = config.metaTokens, shown = shownLayers(config), positions = M + ids.length;
  const maps = await attentionOf(executor, store, { ids, layers: shown });
  return shown.map(({ index, window }, i): AttentionMap => {
    const heads = at(maps, i);
    return {
      layer: index,
      kind: window === 0 ? "global" : "local",
      positions,
      metaTokens: M,
      window,
      heads: attentionCodes(heads, positions),
      probabilities: meanOverHeads(heads, { H: config.nHeads, size: positions ** 2 }),
      labels: [...Array.from({ length: M }, (_, m) => `meta ${m}`), ...labels],
    };
  });
}

function meanOverHeads(heads: Float32Array, { H, size }: { H: number; size: number }): Float32Array {
  const mean = new Float32Array(size);
  for (let h = 0; h < H; h++) for (let i = 0; i < size; i++) mean[i] = at(mean, i) + at(heads, h * size + i) / H;
  return mean;
}
