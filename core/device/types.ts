import type { DeviceLost, HymbaError } from "../errors.ts";

/** Who computes: a GPU, or a driver that computes on the processor. `browser` when the browser does not say. */
export type AdapterKind = "hardware" | "lavapipe" | "swiftshader" | "warp" | "software" | "browser";

/** What kernels are tuned for. */
export type AdapterClass = "discrete" | "integrated" | "apple" | "software";

/** The adapter in words and plain numbers; goes into the run record as it is. */
export interface AdapterInfo {
  /** As the driver calls it: `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  name: string;
  vendor: string;
  /** Driver name and version as far as the driver tells. */
  driver: string;
  kind: AdapterKind;
  /** `vulkan`, `metal`, `d3d12` or `browser`. */
  backend: string;
  /** Lanes of a subgroup, smallest and largest; 0 when the adapter does not say. */
  subgroupMinSize: number;
  subgroupMaxSize: number;
  /** Dawn's switches that were asked for, for the run record: `enable-dawn-features=disable_robustness`. */
  toggles: readonly string[];
}

/** The limits that the engine plans with: bytes, counts, invocations. All were requested at the adapter's own maximum. */
export interface Limits {
  maxBufferSize: number;
  maxStorageBufferBindingSize: number;
  maxUniformBufferBindingSize: number;
  maxStorageBuffersPerShaderStage: number;
  maxBindingsPerBindGroup: number;
  maxBindGroups: number;
  maxComputeWorkgroupStorageSize: number;
  maxComputeInvocationsPerWorkgroup: number;
  maxComputeWorkgroupSizeX: number;
  maxComputeWorkgroupSizeY: number;
  maxComputeWorkgroupSizeZ: number;
  maxComputeWorkgroupsPerDimension: number;
  minStorageBufferOffsetAlignment: number;
  /** 0 where immediates are missing. */
  maxImmediateSize: number;
}

/** An open WebGPU device. */
export interface Device {
  readonly device: GPUDevice;
  readonly info: AdapterInfo;
  readonly adapterClass: AdapterClass;
  readonly limits: Readonly<Limits>;
  /** WebGPU feature names that are on; `immediates` stands for the shader language's `immediate_address_space`. */
  readonly features: ReadonlySet<string>;
  /** Resolves when the device is lost without {@link close}; never rejects, and never resolves after `close`. */
  readonly lost: Promise<DeviceLost>;
  /** Waits for the work that was submitted, then frees the device. Calling it again does nothing. */
  close(): Promise<void>;
}

/** How to open a device. */
export interface OpenOptions {
  /** Part of an adapter's name or kind, any case. Default: `HYMBA_ADAPTER`, else the best adapter there is. */
  adapter?: string;
  onProgress?: (message: string) => void;
  /**
   * Told of the loss of the device and of each GPU error that no error scope caught. Default: the error is reported as
   * uncaught, which ends a Deno process.
   */
  onError?: (error: HymbaError) => void;
  /** Further switches of Dawn's, `enable-dawn-features=a,b`. They become part of the run record. */
  toggles?: readonly string[];
}
