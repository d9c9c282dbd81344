/** Small models of all five architectures, for tests. Their sequences have room for two windows and all meta tokens. */
import { ARCH_TYPES, ArchType, armsOf, FUSIONS, HymbaConfig } from "../../core/config/mod.ts";

export const SMALL = {
  vocabSize: 37,
  dModel: 16,
  nLayers: 4,
  nHeads: 4,
  nKvHeads: 2,
  ffnHidden: 24,
  swaWindow: 5,
  numMetaTokens: 3,
};

export interface SmallModel {
  readonly name: string;
  readonly config: HymbaConfig;
}

export const smallModels = (): SmallModel[] =>
  ARCH_TYPES.map((archType) => {
    const meta = archType === ArchType.HYBRID || archType === ArchType.HYBRID_SEQUENTIAL
      ? {}
      : { useMetaTokens: false };
    return { name: archType, config: new HymbaConfig({ ...SMALL, ...meta, archType }) };
  });

/** Models with the documented study's block. */
const documented = (shape: typeof SMALL, names: readonly string[]): SmallModel[] =>
  armsOf("seed", shape, names).map(({ name, config }) => ({ name: `documented ${name}`, config }));

/** More small models: hybrid heads with each of the other fusions, and Mamba alternating with windowed attention. */
export const furtherModels = (): { name: string; config: HymbaConfig }[] => [
  ...FUSIONS.filter((fusion) => fusion !== "mean").map((fusion) => ({
    name: `hymba with fusion ${fusion}`,
    config: new HymbaConfig({ ...SMALL, archType: ArchType.HYBRID, fusion }),
  })),
  ...documented(SMALL, ["mamba", "transformer-local"]),
  // Heads of 4, as in the other models: each width needs another pipeline, which software adapters compile for a minute.
  ...documented({ ...SMALL, nHeads: 2, nKvHeads: 1 }, ["hybrid-paper"]),
  { name: "a pattern of all five letters", config: new HymbaConfig({ ...SMALL, nLayers: 5, layers: "h l m g w" }) },
  {
    name: "a convolution in front of shared attention, in both kinds of layers",
    config: new HymbaConfig({ ...SMALL, layers: "l l w w", attentionConv: 3, useKvSharing: true }),
  },
  {
    name: "hymba without the scan",
    config: new HymbaConfig({ ...SMALL, archType: ArchType.HYBRID, state: "off", fusion: "concat" }),
  },
  ...(["mean", "sum", "gate"] as const).map((fusion) => ({
    name: `hymba with two output projections and fusion ${fusion}`,
    config: new HymbaConfig({ ...SMALL, archType: ArchType.HYBRID, separateOutputs: true, fusion }),
  })),
  {
    name: "windowed hybrid-sequential",
    config: new HymbaConfig({
      ...SMALL,
      archType: ArchType.HYBRID_SEQUENTIAL,
      useMetaTokens: false,
      windowed: true,
      globalAttnIndices: [],
    }),
  },
];
