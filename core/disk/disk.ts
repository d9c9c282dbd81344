/**
 * The one door to the disk. `core/` touches files only through this interface, so that tests can fail, reorder or forget any
 * operation. Each operation is one step that a crash can separate from the next. All paths may be relative; all throw
 * {@link DiskError} unless said otherwise.
 */
export interface Disk {
  /** The whole file. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Writes a part of `bytes` at `offset` (bytes from the start) and returns how many bytes were taken, fewer than
   * asked when the disk fills up. Creates a missing file. Call `writeFile` or `writeAt`, which write all of it.
   */
  writeSome(path: string, bytes: Uint8Array, options: { offset: number }): Promise<number>;
  /** Makes the file exactly `length` bytes long, zeros after its old end. Creates a missing file. */
  truncate(path: string, length: number): Promise<void>;
  /** Returns when content and length of the file survive a power loss. */
  syncFile(path: string): Promise<void>;
  /** Returns when the names in the folder survive a power loss. */
  syncFolder(path: string): Promise<void>;
  /** Gives a file or folder another name; a file at `to` is replaced in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or an empty folder. */
  remove(path: string): Promise<void>;
  /** The names in a folder, sorted by code unit. */
  list(path: string): Promise<string[]>;
  /** What is at the path; undefined when nothing is. */
  stat(path: string): Promise<Stat | undefined>;
  /** Makes one folder in an existing one; nothing happens when it is there already. */
  makeFolder(path: string): Promise<void>;
  /** Bytes that may still be written into the folder. */
  freeSpace(path: string): Promise<number>;
  /**
   * Takes the exclusive lock that the file stands for and writes `owner` into it, or returns undefined when another holder
   * lives. The lock ends with `release` or with the process, however it ends; the file stays.
   */
  lock(path: string, owner: string): Promise<Lock | undefined>;
}

/** What `stat` found: for a link, what it points to. `bytes` is 0 for folders. */
export interface Stat {
  kind: "file" | "folder";
  link: boolean;
  bytes: number;
}

/** A lock that is held. */
export interface Lock {
  release(): Promise<void>;
}
