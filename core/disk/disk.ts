/**
 * This folder: the only access to files, an interface of fourteen operations, and writing that survives a crash.
 * The interface to the disk. `core/` uses files only through it, so that tests can make any operation fail or get lost. A crash
 * can happen between any two operations. Paths may be relative. Every operation throws a {@link DiskError} when it fails.
 */
export interface Disk {
  /** The whole file. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Opens a file that is read by ranges, as often as needed, without keeping it in memory. */
  openRanges(path: string): Promise<Ranges>;
  /**
   * Writes a part of `bytes` at `offset` (bytes from the start). Returns the number of bytes written, which is smaller than
   * requested when the disk is full. Creates a missing file. Use `writeFile` or `writeAt`, which write everything.
   */
  writeSome(path: string, bytes: Uint8Array, options: { offset: number }): Promise<number>;
  /** Makes the file exactly `length` bytes long, zeros after its old end. Creates a missing file. */
  truncate(path: string, length: number): Promise<void>;
  /** Returns once content and length of the file would survive a power loss. */
  syncFile(path: string): Promise<void>;
  /** Returns once the names in the folder would survive a power loss. */
  syncFolder(path: string): Promise<void>;
  /** Renames a file or folder. A file at `to` is replaced atomically. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or an empty folder. */
  remove(path: string): Promise<void>;
  /** The names in a folder, sorted by code unit. */
  list(path: string): Promise<string[]>;
  /** Facts about the file or folder; undefined when there is none. */
  stat(path: string): Promise<Stat | undefined>;
  /** Creates one folder in an existing one. An existing folder is no error. */
  makeFolder(path: string): Promise<void>;
  /** Free bytes of the folder's disk. */
  freeSpace(path: string): Promise<number>;
  /**
   * Takes an exclusive lock on the file and writes `owner` into it. Returns undefined when another process holds the lock. The
   * lock ends with `release` or with the process. The file stays.
   */
  lock(path: string, owner: string): Promise<Lock | undefined>;
  /** Whether a process holds the lock on the file. Changes nothing; false where there is no such file, or no locks. */
  isLocked(path: string): Promise<boolean>;
}

/** A file that is open for reading. */
export interface Ranges {
  /** Length of the file when it was opened. */
  readonly bytes: number;
  /** Fills `into` with the bytes from `offset` on. Throws a DiskError when the file ends before. */
  read(offset: number, into: Uint8Array): void;
  close(): void;
}

/** The result of `stat`. For a link it describes the target. `other` is a pipe, a socket or a device. `bytes` is 0 unless it is a file. */
export interface Stat {
  kind: "file" | "folder" | "other";
  link: boolean;
  bytes: number;
}

/** A lock that is held. */
export interface Lock {
  release(): Promise<void>;
}
