/** How graphics drivers are found on each system. */
import type { Platform } from "./platform.ts";

/** The interface of graphics drivers that Dawn uses. */
export const gpuBackend = ({ os }: Pick<Platform, "os">): "metal" | "d3d12" | "vulkan" =>
  os === "darwin" ? "metal" : os === "windows" ? "d3d12" : "vulkan";

/** The file of the C library whose functions hide Dawn's harmless warnings; undefined where that is not done. */
export const cLibrary = ({ os }: Pick<Platform, "os">): string | undefined => os === "linux" ? "libc.so.6" : undefined;

/** Whether the SwiftShader of the npm package runs here: its files are for Linux on x86-64. */
export const swiftShaderRuns = ({ os, arch }: Pick<Platform, "os" | "arch">): boolean =>
  os === "linux" && arch === "x86_64";
