/** The models and batches of the training benchmark. */
import { ARCH_TYPES, type Arm, HymbaConfig, PRESETS } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { resolvedStudy } from "../study/match.ts";
import { meantHint } from "../nearest.ts";

export interface BenchShape {
  readonly name: string;
  readonly arms: readonly Arm[];
  /** Sequences per step. */
  readonly B: number;
  /** Text tokens per sequence. */
  readonly T: number;
}

/** The model for comparisons with other engines. tests/bench/peers has the same model in PyTorch. */
const PEERS = {
  vocabSize: 1000,
  dModel: 128,
  nLayers: 6,
  nHeads: 4,
  nKvHeads: 2,
  ffnHidden: 512,
  swaWindow: 32,
  numMetaTokens: 16,
  mambaExpand: 2,
  stateSize: 16,
};

/** `peers`, or the pretraining of a preset. Throws a UsageError for an unknown shape or model. */
export function benchShape(name: string, { models }: { models?: readonly string[] } = {}): BenchShape {
  if (PRESETS.some((preset) => preset === name)) {
    const { arms, pretraining, sequenceLength } = resolvedStudy(name, { models });
    return { name, arms, B: pretraining.batch, T: sequenceLength };
  }
  if (name !== "peers") {
    const shapes = ["peers", ...PRESETS], hint = meantHint(name, shapes);
    throw new UsageError(`unknown shape ${JSON.stringify(name)}`, { expected: shapes.join(", "), hint });
  }
  const arms = (models ?? ARCH_TYPES).map((model) => {
    const archType = ARCH_TYPES.find((arch) => arch === model);
    if (!archType) {
      const hint = meantHint(model, ARCH_TYPES);
      throw new UsageError(`unknown model ${JSON.stringify(model)}`, { expected: ARCH_TYPES.join(", "), hint });
    }
    return { name: archType, config: new HymbaConfig({ ...PEERS, archType }) };
  });
  return { name, arms, B: 8, T: 128 };
}
