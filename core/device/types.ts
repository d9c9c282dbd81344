/** The types of an open WebGPU device. */
import type { DeviceLost, HymbaError } from "../errors.ts";

/** A GPU, or one of the drivers that compute on the processor. `browser`: the browser does not tell. */
export type AdapterKind = "hardware" | "lavapipe" | "swiftshader" | "warp" | "software" | "browser";

/** The classes that kernels are tuned for. */
export type AdapterClass = "discrete" | "integrated" | "apple" | "software";

/** The description of an adapter in the run record. */
export interface AdapterInfo {
  /** The driver's name for it: `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  name: string;
  vendor: string;
  /** Name and version of the driver, if it reports them. */
  driver: string;
  kind: AdapterKind;
  /** `vulkan`, `metal`, `d3d12` or `browser`. */
  backend: string;
  /** Smallest number of lanes of a subgroup; 0 if unknown. */
  subgroupMinSize: number;
  /** Largest number of lanes of a subgroup; 0 if unknown. */
  subgroupMaxSize: number;
  /** Dawn's toggles that were set: `enable-dawn-features=disable_robustness`. */
  toggles: readonly string[];
}

/** A product of two small matrices, M × K by K × N, that a subgroup computes in one instruction. */
export interface MatrixShape {
  /** WGSL's types of the operands and of the sums: `f16`, `f32`, `u8`, … */
  readonly component: string;
  readonly result: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** The limits that the engine uses (bytes, counts, invocations). Each is the maximum of the adapter. */
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
  /** Not in the declarations of the npm package: compilers disagree on the types of WebGPU. @internal */
  readonly device: GPUDevice;
  readonly info: AdapterInfo;
  readonly adapterClass: AdapterClass;
  readonly limits: Readonly<Limits>;
  /** The enabled WebGPU features. `immediates` means WGSL's `immediate_address_space`. */
  readonly features: ReadonlySet<string>;
  /** What its subgroups multiply in one instruction; empty without {@link OpenOptions.tensorCores}. */
  readonly matrixShapes: readonly MatrixShape[];
  /** Resolves when the device is lost. Never rejects, and never resolves after {@link close}. */
  readonly lost: Promise<DeviceLost>;
  /** Waits for the submitted work, then frees the device. Calling it again does nothing. */
  close(): Promise<void>;
}

/** How to open a device. */
export interface OpenOptions {
  /** Part of an adapter's name or kind, in any case. Default: `HYMBA_ADAPTER`, else the best adapter. */
  adapter?: string;
  onProgress?: (message: string) => void;
  /**
   * Called when the device is lost and for each GPU error that no error scope caught. Default: the error is reported as uncaught,
   * which ends a Deno process.
   */
  onError?: (error: HymbaError) => void;
  /** Toggles of Dawn, `enable-dawn-features=a,b`. They are part of the run record. */
  toggles?: readonly string[];
  /** Enables subgroup matrices where the adapter has them. Dawn calls them unsafe, so they have to be asked for. */
  tensorCores?: boolean;
}
