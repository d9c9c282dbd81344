import type { Disk } from "../../core/disk/mod.ts";

/** One operation on its way to the disk. */
export interface Step {
  operation: keyof Disk;
  path: string;
}

/**
 * A function between the program and a disk. It may perform the operation, skip it, or throw. `perform(limit)` lets a write
 * write at most `limit` bytes.
 */
export type Around = <T>(step: Step, perform: (limit?: number) => Promise<T>) => Promise<T>;

/** A disk whose every operation goes through `around`. Releasing a lock does not: a process that dies releases it too. */
export function intercept(disk: Disk, around: Around): Disk {
  return {
    read: (path) => around({ operation: "read", path }, () => disk.read(path)),
    openRanges: (path) => around({ operation: "openRanges", path }, () => disk.openRanges(path)),
    writeSome: (path, bytes, options) =>
      around(
        { operation: "writeSome", path },
        (limit = bytes.length) => disk.writeSome(path, bytes.subarray(0, limit), options),
      ),
    truncate: (path, length) => around({ operation: "truncate", path }, () => disk.truncate(path, length)),
    syncFile: (path) => around({ operation: "syncFile", path }, () => disk.syncFile(path)),
    syncFolder: (path) => around({ operation: "syncFolder", path }, () => disk.syncFolder(path)),
    rename: (from, to) => around({ operation: "rename", path: from }, () => disk.rename(from, to)),
    remove: (path) => around({ operation: "remove", path }, () => disk.remove(path)),
    list: (path) => around({ operation: "list", path }, () => disk.list(path)),
    stat: (path) => around({ operation: "stat", path }, () => disk.stat(path)),
    makeFolder: (path) => around({ operation: "makeFolder", path }, () => disk.makeFolder(path)),
    freeSpace: (path) => around({ operation: "freeSpace", path }, () => disk.freeSpace(path)),
    lock: (path, owner) => around({ operation: "lock", path }, () => disk.lock(path, owner)),
    isLocked: (path) => around({ operation: "isLocked", path }, () => disk.isLocked(path)),
  };
}
