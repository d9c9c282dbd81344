import { slashPaths } from "../system/path.ts";
import type { Disk, Ranges } from "./disk.ts";
import { DiskError, type DiskOperation } from "./error.ts";

type Content = Uint8Array<ArrayBuffer>;

const { dirname, normalize } = slashPaths;

/** The bytes of a file, or null for a folder. */
type Entry = Content | null;

/** Files and folders by normalised path, without a trailing slash. */
class Tree {
  readonly entries = new Map<string, Entry>([[".", null], ["/", null]]);

  static key(path: string): string {
    const normal = normalize(path);
    return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
  }

  entry(path: string): Entry | undefined {
    return this.entries.get(Tree.key(path));
  }

  file(operation: DiskOperation, path: string): Content {
    const entry = this.entry(path);
    if (entry === undefined) throw new DiskError(operation, path, "ENOENT");
    if (entry === null) throw new DiskError(operation, path, "EISDIR");
    return entry;
  }

  /** The bytes of a file; empty when it does not exist but its folder does. */
  fileOrNew(operation: DiskOperation, path: string): Content {
    if (this.entry(path) !== undefined) return this.file(operation, path);
    this.folder(operation, dirname(Tree.key(path)), { asked: path });
    return new Uint8Array();
  }

  /** Throws unless the path is a folder. The error shows the path `asked`. */
  folder(operation: DiskOperation, path: string, { asked = path } = {}): void {
    const entry = this.entry(path);
    if (entry === undefined) throw new DiskError(operation, asked, "ENOENT");
    if (entry !== null) throw new DiskError(operation, asked, "ENOTDIR");
  }

  set(path: string, content: Entry): void {
    this.entries.set(Tree.key(path), content);
  }

  names(path: string): string[] {
    const folder = Tree.key(path);
    const inside = [...this.entries.keys()].filter((key) => key !== folder && dirname(key) === folder);
    return inside.map((key) => key.slice(key.lastIndexOf("/") + 1)).sort();
  }

  rename(from: string, to: string): void {
    const source = Tree.key(from), target = Tree.key(to);
    const moved = this.entries.get(source);
    if (moved === undefined) throw new DiskError("rename", from, "ENOENT");
    this.folder("rename", dirname(target), { asked: to });
    const replaced = this.entries.get(target);
    if (replaced === null && moved !== null) throw new DiskError("rename", to, "EISDIR");
    if (replaced === null && this.names(target).length > 0) throw new DiskError("rename", to, "ENOTEMPTY");
    if (replaced instanceof Uint8Array && moved === null) throw new DiskError("rename", to, "ENOTDIR");
    for (const [key, content] of [...this.entries]) {
      if (key !== source && !key.startsWith(`${source}/`)) continue;
      this.entries.delete(key);
      this.entries.set(target + key.slice(source.length), content);
    }
  }

  /** Writes bytes to a file, which grows if they end beyond its end. Returns their number. */
  writeAt(path: string, bytes: Uint8Array, offset: number): number {
    const content = this.fileOrNew("write", path);
    const longer = resized(content, Math.max(content.length, offset + bytes.length));
    longer.set(bytes, offset);
    this.set(path, longer);
    return bytes.length;
  }

  makeFolder(path: string): void {
    this.folder("make folder", dirname(Tree.key(path)), { asked: path });
    if (this.entry(path) instanceof Uint8Array) throw new DiskError("make folder", path, "EEXIST");
    this.set(path, null);
  }

  remove(path: string): void {
    if (this.entry(path) === undefined) throw new DiskError("remove", path, "ENOENT");
    if (this.names(path).length > 0) throw new DiskError("remove", path, "ENOTEMPTY");
    this.entries.delete(Tree.key(path));
  }
}

function resized(content: Content, length: number): Content {
  const out = new Uint8Array(length);
  out.set(content.subarray(0, length));
  return out;
}

/** Parts of a file with this content. */
const rangesOf = (content: Content, path: string): Ranges => ({
  bytes: content.length,
  read(offset, into) {
    const got = content.subarray(offset, offset + into.length);
    if (got.length < into.length) throw new DiskError("read", path, "ENDS_EARLY");
    into.set(got);
  },
  close: () => {},
});

/** Runs the work at once. An exception becomes a rejection. */
const step = <T>(work: () => T): Promise<T> => new Promise((resolve) => resolve(work()));

/**
 * A disk in memory, for tests and for callers that keep no files. `.` and `/` exist from the start. Locks end only with
 * `release`. `freeSpace` is the reported free space in bytes. It is not enforced.
 */
export function memoryDisk({ freeSpace = 2 ** 40 } = {}): Disk {
  const tree = new Tree();
  const locked = new Set<string>();
  return {
    read: (path) => step(() => tree.file("read", path).slice()),
    openRanges: (path) => step(() => rangesOf(tree.file("read", path).slice(), path)),
    writeSome: (path, bytes, { offset }) => step(() => tree.writeAt(path, bytes, offset)),
    truncate: (path, length) => step(() => tree.set(path, resized(tree.fileOrNew("truncate", path), length))),
    syncFile: (path) => step(() => void tree.file("sync", path)),
    syncFolder: (path) => step(() => tree.folder("sync", path)),
    rename: (from, to) => step(() => tree.rename(from, to)),
    remove: (path) => step(() => tree.remove(path)),
    list: (path) => step(() => (tree.folder("list", path), tree.names(path))),
    stat: (path) =>
      step(() => {
        const entry = tree.entry(path);
        if (entry === undefined) return undefined;
        return { kind: entry === null ? "folder" : "file", link: false, bytes: entry?.length ?? 0 };
      }),
    makeFolder: (path) => step(() => tree.makeFolder(path)),
    freeSpace: (path) => step(() => (tree.folder("measure free space of", path), freeSpace)),
    lock: (path, owner) =>
      step(() => {
        const key = Tree.key(path);
        tree.fileOrNew("lock", path);
        if (locked.has(key)) return undefined;
        locked.add(key);
        tree.set(path, new TextEncoder().encode(owner));
        return { release: () => step(() => void locked.delete(key)) };
      }),
    isLocked: (path) => step(() => locked.has(Tree.key(path))),
  };
}
