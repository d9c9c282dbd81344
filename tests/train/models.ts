/** Small models of all five architectures, for tests: two windows and all meta tokens fit into their sequences. */
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

/** Small models beyond the five: hybrid heads joined in each of the other ways, and Mamba and windowed attention in turn. */
export const furtherModels = (): { name: string; config: HymbaConfig }[] => [
  ...FUSIONS.filter((fusion) => fusion !== "mean").map((fusion) => ({
    name: `hymba with fusion ${fusion}`,
    config: new HymbaConfig({ ...SMALL, archType: ArchType.HYBRID, fusion }),
  })),
  ...armsOf("seed", SMALL).filter(({ name }) => name !== "hybrid-50-50").map(({ name, config }) => ({
    name: `documented ${name}`,
    config,
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
