/**
 * This folder: opens a WebGPU device, with adapter choice, limits, SwiftShader and advice.
 * Opens a WebGPU device: with Dawn under Deno and Node, with the browser's own engine in a browser. No machine learning here.
 */
import { HymbaError, UsageError } from "../errors.ts";
import { thisHost } from "../system/host.ts";
import { classOf, kindOf } from "./choose.ts";
import { guard } from "./guard.ts";
import { assertMinima, deviceRequest, plainLimits } from "./limits.ts";
import { joinedToggles, MATRIX_TOGGLES, matrixShapesOf } from "./matrix_shapes.ts";
import type { AdapterInfo, Device, OpenOptions } from "./types.ts";

export { scoped } from "./guard.ts";
export type { AdapterClass, AdapterInfo, AdapterKind, Device, Limits, MatrixShape, OpenOptions } from "./types.ts";

/** Deno's types do not have this member yet. */
type Engine = GPU & { readonly wgslLanguageFeatures?: ReadonlySet<string> };

interface Opened {
  gpu: Engine;
  adapter: GPUAdapter;
  /** Undefined in a browser, which does not tell it. */
  name?: string;
  backend: string;
}

async function openWithDawn(options: OpenOptions): Promise<Opened> {
  // A dynamic import, because dawn.ts needs Deno or Node, and a browser can load this module, too.
  const { openDawn } = await import("./dawn.ts");
  const { gpu, adapter, candidate } = await openDawn(options);
  return { gpu, adapter, name: candidate.name, backend: candidate.backend };
}

async function openInBrowser({ adapter: wanted }: OpenOptions): Promise<Opened> {
  if (wanted) throw new UsageError("in a browser the adapter cannot be chosen", { got: JSON.stringify(wanted) });
  const gpu: GPU | undefined = navigator.gpu;
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (adapter) return { gpu, adapter, backend: "browser" };
  throw new HymbaError("this browser offers no WebGPU adapter", {
    hint: "use a current Chrome, Edge, Firefox or Safari with hardware acceleration, over https or on localhost",
  });
}

function describe({ adapter, name, backend }: Opened, toggles: readonly string[]): AdapterInfo {
  const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize, isFallbackAdapter } =
    adapter.info;
  const known = name ?? ([device, description, architecture, vendor].find((text) => text) || "unnamed adapter");
  const kind = kindOf(`${known} ${description} ${architecture}`);
  const inBrowser = backend === "browser" && kind === "hardware";
  return {
    name: known,
    vendor,
    driver: description,
    kind: !inBrowser ? kind : isFallbackAdapter ? "software" : "browser",
    backend,
    subgroupMinSize: subgroupMinSize ?? 0,
    subgroupMaxSize: subgroupMaxSize ?? 0,
    toggles,
  };
}

async function closeOnce(device: GPUDevice, isLost: () => boolean): Promise<void> {
  if (!isLost()) await device.queue.onSubmittedWorkDone();
  device.destroy();
}

/**
 * Opens a device on the adapter that `adapter` or `HYMBA_ADAPTER` names. Without a name it takes the best one: hardware, then
 * Mesa's lavapipe, then SwiftShader, which is downloaded from npm when it is first used (Linux x86-64). Every limit is the
 * adapter's maximum. `timestamp-query`, `shader-f16`, `subgroups` and immediates are enabled if the adapter has them, subgroup
 * matrices with `tensorCores` too.
 *
 * Throws a UsageError that lists the adapters when none matches, and a HymbaError when a limit of the adapter is too small.
 */
export async function openDevice(options: OpenOptions = {}): Promise<Device> {
  const { tensorCores = false } = options;
  const toggles = joinedToggles([...options.toggles ?? [], ...tensorCores ? MATRIX_TOGGLES : []]);
  const opened = await (thisHost() === "browser" ? openInBrowser(options) : openWithDawn({ ...options, toggles }));
  const info = describe(opened, toggles);
  const { adapter, gpu } = opened;
  assertMinima(plainLimits(adapter.limits), info.name);
  const device = await adapter.requestDevice(deviceRequest(adapter, { label: "hymba", tensorCores }));
  const { lost, closing } = guard(device, { name: info.name, onError: options.onError });
  let isLost = false;
  device.lost.then(() => {
    isLost = true;
  });
  const limits = plainLimits(device.limits);
  const features = new Set<string>(device.features);
  const immediates = gpu.wgslLanguageFeatures?.has("immediate_address_space") && limits.maxImmediateSize > 0;
  if (immediates) features.add("immediates");
  const adapterClass = info.kind === "software" ? "software" : classOf(`${info.vendor} ${info.name} ${info.driver}`);
  let closed: Promise<void> | undefined;
  return {
    device,
    info,
    adapterClass,
    limits,
    features,
    matrixShapes: tensorCores ? matrixShapesOf(adapter) : [],
    lost,
    close: () => {
      closing();
      return closed ??= closeOnce(device, () => isLost);
    },
  };
}
