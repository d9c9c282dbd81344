/** The one door to the disk: the interface, its two disks, and the patterns that survive a crash. */
export type { Disk, Lock, Stat } from "./disk.ts";
export { DiskError, type DiskOperation } from "./error.ts";
export {
  isTemporary,
  makeFolders,
  readText,
  removeAtomic,
  removeTemporaries,
  removeTree,
  requireSpace,
  temporaryName,
  writeAt,
  writeAtomic,
  writeFile,
} from "./files.ts";
export { memoryDisk } from "./memory.ts";
export { systemDisk } from "./system.ts";
