/**
 * This folder: what differs between systems, such as error numbers, files, signals, drivers and memory limits.
 * Differences between systems: error numbers, files, signals, drivers, limits. Each rule has a test.
 */
export { openCommand } from "./browser.ts";
export { systemErrorCode } from "./error_codes.ts";
export { cacheBase, isLockless, mayGoWithoutLock, syncsFolders, warnWithoutLocks, whileHeld } from "./file_rules.ts";
export { moduleBeside, readAsset } from "./asset.ts";
export { builtin, cores, type Host, thisHost } from "./host.ts";
export { cLibrary, gpuBackend, swiftShaderRuns } from "./drivers.ts";
export { freeMemory, memoryLimit, readSystemText, type ReadText } from "./memory_limits.ts";
export { loadNative, nativeHint } from "./native_code.ts";
export { type Platform, thisPlatform } from "./platform.ts";
export { passesSignals, stopSignals } from "./signals.ts";
