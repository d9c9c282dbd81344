/**
 * Subgroup matrices, WGSL's name for what makers of GPUs call tensor cores or matrix units: all invocations of a subgroup multiply two
 * small matrices in one instruction. In Dawn they are an experiment, behind toggles.
 */
import type { MatrixShape } from "./types.ts";

const FEATURE = "chromium-experimental-subgroup-matrix";

/** The features that a kernel of subgroup matrices needs. Its subgroups must have a size that it knows. */
export const MATRIX_FEATURES = [FEATURE, "subgroup-size-control"] as const;

/** Toggles of Dawn with which it offers them, and f16 on NVIDIA's GPUs, which it withholds otherwise. */
export const MATRIX_TOGGLES = ["enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia"] as const;

/** What the types of WebGPU do not have yet. */
interface ReportedConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}
type InfoWithMatrices = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<ReportedConfig> };

/** The products that an adapter's subgroups compute in one instruction; none where it was opened without {@link MATRIX_TOGGLES}. */
export function matrixShapesOf({ info, features }: Pick<GPUAdapter, "info" | "features">): MatrixShape[] {
  if (!new Set<string>(features).has(FEATURE)) return [];
  const { subgroupMatrixConfigs = [] }: InfoWithMatrices = info;
  return Array.from(subgroupMatrixConfigs, ({ componentType, resultComponentType, M, N, K }) => {
    return { component: componentType, result: resultComponentType, M, N, K };
  });
}

/** In words: `f16 → f32, 16 × 16 × 16`. */
export const matrixShapeInWords = ({ component, result, M, N, K }: MatrixShape): string =>
  `${component} → ${result}, ${M} × ${N} × ${K}`;

/** Toggles with one flag for each of Dawn's two lists, because a later flag replaces an earlier one of the same list. */
export function joinedToggles(toggles: readonly string[]): string[] {
  const lists = Map.groupBy(toggles, (toggle) => toggle.slice(0, toggle.indexOf("=") + 1));
  return [...lists].flatMap(([list, flags]) =>
    list === "" ? flags : [`${list}${flags.map((flag) => flag.slice(list.length)).join(",")}`]
  );
}
