/**
 * A disk that remembers what was synced. At any moment it can give a state that a power loss could leave: everything that was synced,
 * and any subset of the rest, with writes torn at 512 bytes. The rest is what the file system does not guarantee: data, lengths, names.
 */
import { type Disk, memoryDisk, writeFile } from "../../core/disk/mod.ts";
import { intercept } from "./intercept.ts";

const SECTOR = 512;

class FileNode {
  constructor(public content: Uint8Array = new Uint8Array()) {}
}

class FolderNode {
  constructor(readonly entries: Map<string, Node> = new Map()) {}
}

type Node = FileNode | FolderNode;

/** One change that may reach the disk alone. The names of one rename change together. */
type Change =
  | { node: FileNode; length: number }
  | { node: FileNode; offset: number; bytes: Uint8Array }
  | { node: FolderNode; names: [name: string, entry: Node | undefined][] };

function resize(content: Uint8Array, length: number): Uint8Array {
  const resized = new Uint8Array(length);
  resized.set(content.subarray(0, length));
  return resized;
}

/** Applies a change to the state that `stateOf` gives for a node. Data after the end of the file is not visible. */
function apply(change: Change, stateOf: <N extends Node>(node: N) => N): void {
  if ("names" in change) {
    const { entries } = stateOf(change.node);
    for (const [name, entry] of change.names) entry ? entries.set(name, entry) : entries.delete(name);
  } else if ("length" in change) {
    const file = stateOf(change.node);
    file.content = resize(file.content, change.length);
  } else {
    const file = stateOf(change.node);
    if (file.content.length <= change.offset) return;
    file.content = file.content.slice();
    file.content.set(change.bytes.subarray(0, file.content.length - change.offset), change.offset);
  }
}

const copyOf = (node: Node): Node =>
  node instanceof FileNode ? new FileNode(node.content) : new FolderNode(new Map(node.entries));

/** Live nodes as the program sees them, the synced state of each, and the changes in between. */
class Platter {
  readonly root = new FolderNode();
  readonly #synced = new Map<Node, Node>();
  #pending: Change[] = [];

  #syncedOf = <N extends Node>(node: N): N => {
    const known = this.#synced.get(node);
    const state = known ?? (node instanceof FileNode ? new FileNode() : new FolderNode());
    if (!known) this.#synced.set(node, state);
    return state as N;
  };

  #find(path: string): { parent: FolderNode; name: string; node: Node | undefined } {
    const parts = path.split("/").filter((part) => part !== "");
    const name = parts.pop()!;
    let parent = this.root;
    for (const part of parts) {
      const next = parent.entries.get(part);
      if (next instanceof FolderNode) parent = next;
    }
    return { parent, name, node: parts.length === 0 && name === undefined ? this.root : parent.entries.get(name) };
  }

  #change(change: Change): void {
    this.#pending.push(change);
    apply(change, (node) => node);
  }

  #file(path: string): FileNode {
    const { parent, name, node } = this.#find(path);
    if (node instanceof FileNode) return node;
    const made = new FileNode();
    this.#change({ node: parent, names: [[name, made]] });
    return made;
  }

  write(path: string, { bytes, offset }: { bytes: Uint8Array; offset: number }): void {
    const node = this.#file(path);
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + SECTOR - (offset + at) % SECTOR);
      if (offset + end > node.content.length) this.#change({ node, length: offset + end });
      this.#change({ node, offset: offset + at, bytes: bytes.slice(at, end) });
      at = end;
    }
  }

  truncate(path: string, length: number): void {
    const node = this.#file(path);
    if (node.content.length !== length) this.#change({ node, length });
  }

  makeFolder(path: string): void {
    const { parent, name, node } = this.#find(path);
    if (!node) this.#change({ node: parent, names: [[name, new FolderNode()]] });
  }

  rename(from: string, to: string): void {
    const source = this.#find(from), target = this.#find(to);
    if (source.parent !== target.parent) throw new Error("only renames within a folder are modelled");
    this.#change({ node: source.parent, names: [[source.name, undefined], [target.name, source.node]] });
  }

  remove(path: string): void {
    const { parent, name } = this.#find(path);
    this.#change({ node: parent, names: [[name, undefined]] });
  }

  sync(path: string): void {
    const node = path === "/" ? this.root : this.#find(path).node;
    const [done, rest] = [this.#pending.filter((c) => c.node === node), this.#pending.filter((c) => c.node !== node)];
    for (const change of done) apply(change, this.#syncedOf);
    this.#pending = rest;
  }

  syncAll(): void {
    for (const change of this.#pending) apply(change, this.#syncedOf);
    this.#pending = [];
  }

  /** A root folder as a power loss may leave it: `survives` decides for each change that was not synced. */
  lost(survives: () => boolean): FolderNode {
    const copies = new Map<Node, Node>();
    const stateOf = <N extends Node>(node: N): N => {
      const copy = copies.get(node) ?? copyOf(this.#syncedOf(node));
      copies.set(node, copy);
      return copy as N;
    };
    for (const change of this.#pending) if (survives()) apply(change, stateOf);
    const seen = (node: Node): Node => {
      const state = stateOf(node);
      if (state instanceof FileNode) return state;
      return new FolderNode(new Map([...state.entries].map(([name, entry]) => [name, seen(entry)])));
    };
    return seen(this.root) as FolderNode;
  }
}

async function copyInto(disk: Disk, folder: FolderNode, { path }: { path: string }): Promise<void> {
  for (const [name, node] of folder.entries) {
    const child = `${path}/${name}`;
    if (node instanceof FileNode) {
      await writeFile(disk, child, node.content);
    } else {
      await disk.makeFolder(child);
      await copyInto(disk, node, { path: child });
    }
  }
}

/** A disk whose power can fail. Absolute paths only. */
export class PowerLossDisk {
  readonly #platter = new Platter();
  readonly disk: Disk;

  constructor() {
    const live = memoryDisk(), platter = this.#platter;
    this.disk = {
      ...live,
      writeSome: async (path, bytes, { offset }) => {
        const taken = await live.writeSome(path, bytes, { offset });
        platter.write(path, { bytes: bytes.subarray(0, taken), offset });
        return taken;
      },
      truncate: async (path, length) => (await live.truncate(path, length), platter.truncate(path, length)),
      syncFile: async (path) => (await live.syncFile(path), platter.sync(path)),
      syncFolder: async (path) => (await live.syncFolder(path), platter.sync(path)),
      rename: async (from, to) => (await live.rename(from, to), platter.rename(from, to)),
      remove: async (path) => (await live.remove(path), platter.remove(path)),
      makeFolder: async (path) => (await live.makeFolder(path), platter.makeFolder(path)),
      lock: async (path, owner) => {
        const lock = await live.lock(path, owner);
        if (lock) platter.write(path, { bytes: new TextEncoder().encode(owner), offset: 0 });
        return lock;
      },
    };
  }

  /** A disk as a power loss at this moment may leave it: `survives` decides for each change that was not synced. */
  async lose(survives: () => boolean): Promise<PowerLossDisk> {
    const left = new PowerLossDisk();
    await copyInto(left.disk, this.#platter.lost(survives), { path: "" });
    left.#platter.syncAll();
    return left;
  }
}

/** A disk that claims to sync but does not sync the files that `forgets` selects: the negative control. */
export const forgetful = (disk: Disk, forgets: (path: string) => boolean): Disk =>
  intercept(disk, async (step, perform) => {
    const syncs = step.operation === "syncFile" || step.operation === "syncFolder";
    return syncs && forgets(step.path) ? await Promise.resolve(undefined as never) : await perform();
  });
