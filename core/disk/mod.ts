/** Access to the disk: the interface, two implementations, and file operations that survive a crash. */
export type { Disk, Lock, Ranges, Stat } from "./disk.ts";
export { DiskError, type DiskOperation } from "./error.ts";
export { isTemporary, temporaryName, uniqueTemporaryName } from "./temporary.ts";
export {
  inFolder,
  makeFolders,
  readText,
  removeAtomic,
  removeTemporaries,
  removeTree,
  requireAtMost,
  requireSpace,
  writeAt,
  writeAtomic,
  writeFile,
} from "./files.ts";
export { writeShared } from "./shared.ts";
export { type Digest, sha256 } from "./hash.ts";
export { MAX_JSON, parseJson } from "./json.ts";
export { memoryDisk } from "./memory_disk.ts";
export { LOG_START, type LogPosition, MetricsLog, parseLog, readLog } from "./metrics_log.ts";
export { isLockText, type LockedFolder, lockFolder, whenUnlocked } from "./locked_folder.ts";
export { systemDisk } from "./system.ts";
export { thisDisk } from "./this_disk.ts";
export { webDisk } from "./web.ts";
