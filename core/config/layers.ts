/** The layers of a configuration, derived in one place for the model, its parameters, caches and diagrams. */
import type { HymbaConfig } from "./model.ts";
import { HymbaError, quoted } from "../errors.ts";
import { ArchType } from "./options.ts";
import { layersOfPattern, LETTERS } from "./pattern.ts";
import { at } from "../lists.ts";

export interface Layer {
  readonly index: number;
  readonly attention: boolean;
  readonly mamba: boolean;
  /** Keys a query sees; 0 for global attention and for layers without attention. */
  readonly window: number;
  /** The layer whose keys and values this one uses: its own index unless it shares. */
  readonly kvOwner: number;
}

/** The layers of a pattern. A valid configuration has a valid pattern. */
function kindsOfPattern(layers: string, { nLayers, swaWindow }: HymbaConfig) {
  const letters = layersOfPattern(layers, nLayers);
  if (!Array.isArray(letters)) throw new HymbaError(`the layer pattern ${quoted(layers)}`, letters);
  return letters.map((letter) => {
    const { attention, mamba, window } = LETTERS[letter];
    return { attention, mamba, window: window ? swaWindow : 0 };
  });
}

const kindOf = (config: HymbaConfig, index: number) => {
  const window = config.windowed && !config.globalAttnIndices.includes(index) ? config.swaWindow : 0;
  switch (config.archType) {
    case ArchType.MAMBA:
      return { attention: false, mamba: true, window: 0 };
    case ArchType.TRANSFORMER_GLOBAL:
      return { attention: true, mamba: false, window: 0 };
    case ArchType.TRANSFORMER_LOCAL:
      return { attention: true, mamba: false, window: config.swaWindow };
    case ArchType.HYBRID_SEQUENTIAL:
      return { attention: index % 2 === 1, mamba: index % 2 === 0, window: index % 2 === 1 ? window : 0 };
    case ArchType.HYBRID:
      return { attention: true, mamba: true, window };
  }
};

/** The layers of a model, first to last. */
export function layersOf(config: HymbaConfig): Layer[] {
  const kinds = config.layers === undefined
    ? Array.from({ length: config.nLayers }, (_, index) => kindOf(config, index))
    : kindsOfPattern(config.layers, config);
  const owner = kinds.map((_, index) => index);
  if (config.useKvSharing) {
    for (const group of config.kvGroups ?? kvGroups(kinds.map(({ window }) => window > 0), config.oddGroup)) {
      for (const index of group) owner[index] = at(group, 0);
    }
  }
  return kinds.map((kind, index) => ({ index, ...kind, kvOwner: at(owner, index) }));
}

/** Groups of consecutive local layers that share keys and values: pairs, and `odd` for the odd layer of a run. */
export function kvGroups(local: readonly boolean[], odd: "triple" | "single"): number[][] {
  const groups: number[][] = [];
  for (let start = 0; start < local.length; start++) {
    if (!local[start]) continue;
    let end = start;
    while (local[end]) end++;
    const length = end - start, first = odd === "triple" && length % 2 === 1 && length >= 3 ? 3 : 2;
    for (let at = start; at < end;) {
      const size = Math.min(at === start ? first : 2, end - at);
      groups.push(Array.from({ length: size }, (_, i) => at + i));
      at += size;
    }
    start = end;
  }
  return groups;
}
