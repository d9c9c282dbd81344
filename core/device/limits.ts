import { HymbaError } from "../errors.ts";
import type { Limits } from "./types.ts";

/** The least the kernels need (bytes, counts, invocations): WebGPU's own guaranteed values. */
const MINIMA: Partial<Limits> = {
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
};

/** Switched on where the adapter has them; kernels have another way where it does not. */
const WANTED_FEATURES = ["timestamp-query", "shader-f16", "subgroups"] as const;

/** What an adapter or a device says of itself, WebGPU's newest limit included. */
export type SupportedLimits = GPUSupportedLimits & { readonly maxImmediateSize?: number };

/** Copies the limits that matter out of a WebGPU object. */
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

/** Throws a HymbaError that names each limit below what the kernels need, with both numbers. */
export function assertMinima(limits: Limits, adapterName: string): void {
  const short = (Object.keys(MINIMA) as (keyof Limits)[]).filter((name) => limits[name] < (MINIMA[name] ?? 0));
  if (short.length === 0) return;
  throw new HymbaError(`the adapter ${JSON.stringify(adapterName)} is too small for the kernels`, {
    expected: short.map((name) => `${name} >= ${MINIMA[name]}`).join(", "),
    got: short.map((name) => `${name} = ${limits[name]}`).join(", "),
    hint: "choose another adapter with --adapter TEXT (hymba doctor lists them)",
  });
}

/** What to ask the adapter for: its own maxima and the wanted features that it has. `label` names the device in messages. */
export function deviceRequest(adapter: GPUAdapter, label: string): GPUDeviceDescriptor {
  const { minStorageBufferOffsetAlignment: _, maxImmediateSize, ...limits } = plainLimits(adapter.limits);
  return {
    label,
    requiredFeatures: WANTED_FEATURES.filter((name) => adapter.features.has(name)),
    // A browser that has never heard of immediates would refuse the name.
    requiredLimits: maxImmediateSize > 0 ? { ...limits, maxImmediateSize } : limits,
  };
}
