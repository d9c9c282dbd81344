/** The limits and features of devices: what the kernels need and what is requested. */
import { HymbaError } from "../errors.ts";
import { MATRIX_FEATURES } from "./matrix_shapes.ts";
import type { Limits } from "./types.ts";

/** The smallest limits that the kernels need (bytes, counts, invocations). WebGPU guarantees most of them. */
export const MINIMA = {
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxUniformBufferBindingSize: 64 * 2 ** 10,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16 * 2 ** 10,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
} satisfies Partial<Limits>;

/** Optional features, enabled if the adapter has them. */
const WANTED_FEATURES: readonly string[] = ["timestamp-query", "shader-f16", "subgroups"];

/** The limits of an adapter or a device, with a new one that the types do not have yet. */
export type SupportedLimits = GPUSupportedLimits & { readonly maxImmediateSize?: number };

/** The limits that the engine uses, as a plain object. */
export function plainLimits(limits: SupportedLimits): Limits {
  return {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxUniformBufferBindingSize: limits.maxUniformBufferBindingSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxBindingsPerBindGroup: limits.maxBindingsPerBindGroup,
    maxBindGroups: limits.maxBindGroups,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
    maxComputeWorkgroupSizeZ: limits.maxComputeWorkgroupSizeZ,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
    maxImmediateSize: limits.maxImmediateSize ?? 0,
  };
}

/** Throws a HymbaError if a limit is too small for the kernels. It shows each such limit with its minimum. */
export function assertMinima(limits: Limits, adapterName: string): void {
  const short = (Object.keys(MINIMA) as (keyof typeof MINIMA)[]).filter((name) => limits[name] < MINIMA[name]);
  if (short.length === 0) return;
  throw new HymbaError(`the limits of the adapter ${JSON.stringify(adapterName)} are too small for the kernels`, {
    expected: short.map((name) => `${name} >= ${MINIMA[name]}`).join(", "),
    got: short.map((name) => `${name} = ${limits[name]}`).join(", "),
    hint: "choose another adapter with --adapter TEXT (hymba doctor lists them)",
  });
}

/** The device to request: all limits of the adapter, and its wanted features. `label` is the name of the device in messages. */
export function deviceRequest(
  adapter: GPUAdapter,
  { label, tensorCores = false }: { label: string; tensorCores?: boolean },
): GPUDeviceDescriptor {
  const { minStorageBufferOffsetAlignment: _, maxImmediateSize, ...limits } = plainLimits(adapter.limits);
  return {
    label,
    requiredFeatures: featuresOf(adapter, tensorCores ? [...WANTED_FEATURES, ...MATRIX_FEATURES] : WANTED_FEATURES),
    // A browser that does not know immediates rejects the name of their limit.
    requiredLimits: maxImmediateSize > 0 ? { ...limits, maxImmediateSize } : limits,
  };
}

/** Those of the names that are features of the adapter. The types do not know all of them. */
function featuresOf({ features }: GPUAdapter, names: readonly string[]): GPUFeatureName[] {
  const offered = new Set<string>(features);
  return names.filter((name): name is GPUFeatureName => offered.has(name));
}
