/** Learning rates by group of parameters, so that one rate serves models of several widths (after the rules of μP for Adam). */
import type { HymbaConfig, StageConfig } from "../config/mod.ts";
import type { ParameterSpec } from "../params/specs.ts";

/** Embedding (also the output head), matrices whose inputs grow with the width, and everything else. */
export type RateGroup = "embedding" | "matrices" | "others";

/** Convolutions have as many inputs as taps, at every width. Meta tokens are inputs, not weights of a product. */
export function rateGroupOf({ name, decay }: Pick<ParameterSpec, "name" | "decay">): RateGroup {
  if (name === "embedding") return "embedding";
  return decay && name !== "meta" && !/\bconv\.w$/.test(name) ? "matrices" : "others";
}

/** The factor on a group's rate is (rateWidth / D) to this power. `docs/initialisation.md` says why. */
const POWERS: Readonly<Record<RateGroup, number>> = { embedding: 1, matrices: 1, others: 0 };

/** The factor on the rate of each parameter of a model. Undefined without scaling: then all have the rate of the stage. */
export function rateFactors(
  { rateScaling = "none", rateWidth = 64 }: Pick<StageConfig, "rateScaling" | "rateWidth">,
  { dModel }: Pick<HymbaConfig, "dModel">,
): ((spec: ParameterSpec) => number) | undefined {
  if (rateScaling === "none") return undefined;
  return (spec) => (rateWidth / dModel) ** POWERS[rateGroupOf(spec)];
}
