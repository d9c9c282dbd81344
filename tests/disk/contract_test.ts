import { strict as assert } from "node:assert";
import { join } from "node:path";
import { nodeDisk } from "../../core/disk/node.ts";
import { type Disk, DiskError, memoryDisk, systemDisk } from "../../core/disk/mod.ts";

/** Every disk fulfils the same contract. Each test gets a disk and an empty folder on it. */
type Use = (test: (disk: Disk, folder: string) => Promise<void>) => Promise<void>;

const inFolder = (disk: Disk): Use => async (test) => {
  const folder = await Deno.makeTempDir();
  await test(disk, folder).finally(() => Deno.remove(folder, { recursive: true }));
};

const disks: Record<string, Use> = {
  system: inFolder(systemDisk),
  node: inFolder(nodeDisk),
  memory: async (test) => {
    const disk = memoryDisk();
    await disk.makeFolder("/folder");
    await test(disk, "/folder");
  },
};

const bytes = (...values: number[]) => Uint8Array.from(values);
const failsWith = (code: string, operation: string) => (error: unknown) => {
  assert(error instanceof DiskError);
  assert.deepEqual([error.code, error.operation], [code, operation]);
  return true;
};

for (const [name, use] of Object.entries(disks)) {
  Deno.test(`disk ${name}: a file is made, extended, overwritten and truncated`, () =>
    use(async (disk, folder) => {
      const path = join(folder, "a");
      assert.equal(await disk.writeSome(path, bytes(1, 2, 3), { offset: 0 }), 3);
      assert.equal(await disk.writeSome(path, bytes(9), { offset: 1 }), 1);
      assert.equal(await disk.writeSome(path, bytes(7), { offset: 5 }), 1);
      assert.deepEqual(await disk.read(path), bytes(1, 9, 3, 0, 0, 7));
      await disk.truncate(path, 2);
      await disk.truncate(path, 3);
      await disk.syncFile(path);
      assert.deepEqual(await disk.read(path), bytes(1, 9, 0));
      await disk.truncate(join(folder, "empty"), 0);
      assert.deepEqual(await disk.stat(join(folder, "empty")), { kind: "file", link: false, bytes: 0 });
    }));

  Deno.test(`disk ${name}: names are listed, renamed and removed`, () =>
    use(async (disk, folder) => {
      await disk.makeFolder(join(folder, "f"));
      await disk.makeFolder(join(folder, "f"));
      for (const child of ["b", "B", "a"]) await disk.truncate(join(folder, "f", child), 1);
      assert.deepEqual(await disk.list(join(folder, "f")), ["B", "a", "b"]);
      await disk.rename(join(folder, "f", "a"), join(folder, "f", "b"));
      await disk.rename(join(folder, "f"), join(folder, "g"));
      await disk.syncFolder(join(folder, "g"));
      assert.deepEqual(await disk.list(folder), ["g"]);
      assert.deepEqual(await disk.list(join(folder, "g")), ["B", "b"]);
      assert.deepEqual(await disk.stat(join(folder, "g")), { kind: "folder", link: false, bytes: 0 });
      assert.equal(await disk.stat(join(folder, "f")), undefined);
      await disk.remove(join(folder, "g", "b"));
      await disk.remove(join(folder, "g", "B"));
      await disk.remove(join(folder, "g"));
      assert.deepEqual(await disk.list(folder), []);
    }));

  Deno.test(`disk ${name}: errors carry the operation, the path and the system's code`, () =>
    use(async (disk, folder) => {
      const missing = join(folder, "missing"), full = join(folder, "full");
      await disk.makeFolder(full);
      await disk.truncate(join(full, "x"), 0);
      assert.equal(await disk.stat(join(missing, "y")), undefined);
      assert.equal(await disk.stat(join(full, "x", "y")), undefined);
      await assert.rejects(disk.read(missing), failsWith("ENOENT", "read"));
      await assert.rejects(disk.read(full), failsWith("EISDIR", "read"));
      await assert.rejects(disk.remove(missing), failsWith("ENOENT", "remove"));
      await assert.rejects(disk.remove(full), failsWith("ENOTEMPTY", "remove"));
      await assert.rejects(disk.list(missing), failsWith("ENOENT", "list"));
      await assert.rejects(disk.syncFile(missing), failsWith("ENOENT", "sync"));
      await assert.rejects(disk.rename(missing, full), failsWith("ENOENT", "rename"));
      await assert.rejects(disk.makeFolder(join(full, "x")), failsWith("EEXIST", "make folder"));
      await assert.rejects(disk.makeFolder(join(missing, "y")), failsWith("ENOENT", "make folder"));
      await assert.rejects(
        disk.writeSome(join(missing, "y"), bytes(1), { offset: 0 }),
        (error: DiskError) => error.message.includes(join(missing, "y")) && error.message.includes("try:"),
      );
    }));

  if (name !== "node") {
    Deno.test(`disk ${name}: a lock has one holder and is free after release`, () =>
      use(async (disk, folder) => {
        const path = join(folder, "lock");
        assert.equal(await disk.isLocked(path), false);
        const first = await disk.lock(path, "first");
        assert(first);
        assert.equal(await disk.isLocked(path), true);
        assert.equal(await disk.lock(path, "second"), undefined);
        assert.equal(new TextDecoder().decode(await disk.read(path)), "first");
        await first.release();
        assert.equal(await disk.isLocked(path), false);
        const third = await disk.lock(path, "3");
        assert(third);
        assert.equal(new TextDecoder().decode(await disk.read(path)), "3");
        await third.release();
      }));
  }

  Deno.test(`disk ${name}: free space is a count of bytes`, () =>
    use(async (disk, folder) => assert(await disk.freeSpace(folder) > 0)));
}

Deno.test("disk node: what Node cannot do is refused", async () => {
  await assert.rejects(nodeDisk.lock("lock", "me"), failsWith("NOT_IN_NODE", "lock"));
  await assert.rejects(nodeDisk.read("/dev/zero"), failsWith("NOT_A_FILE", "read"));
  await assert.rejects(nodeDisk.openRanges("/dev/zero"), failsWith("NOT_A_FILE", "read"));
});

Deno.test("disk: ranges of a file are read, and not beyond its end", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, bytes(1, 2, 3, 4, 5));
  for (const disk of [systemDisk, nodeDisk]) {
    const ranges = await disk.openRanges(path), into = new Uint8Array(2);
    assert.equal(ranges.bytes, 5);
    ranges.read(3, into);
    assert.deepEqual(into, bytes(4, 5));
    assert.throws(() => ranges.read(4, into), failsWith("ENDS_EARLY", "read"));
    ranges.close();
    await assert.rejects(disk.openRanges(`${path}.none`), failsWith("ENOENT", "read"));
  }
  await Deno.remove(path);
});

Deno.test("disk system: a full device and a missing permission are named", async () => {
  for (const disk of [systemDisk, nodeDisk]) {
    await assert.rejects(disk.writeSome("/dev/full", bytes(1), { offset: 0 }), failsWith("ENOSPC", "write"));
  }
  await assert.rejects(systemDisk.read("a\0b"), failsWith("EINVAL", "read"));
});

Deno.test("disk system: links are seen through and marked", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(join(folder, "real"));
  await Deno.symlink(join(folder, "real"), join(folder, "link"));
  await Deno.symlink(join(folder, "nowhere"), join(folder, "dangling"));
  for (const disk of [systemDisk, nodeDisk]) {
    assert.deepEqual(await disk.stat(join(folder, "link")), { kind: "folder", link: true, bytes: 0 });
    assert.equal((await disk.stat(join(folder, "dangling")))?.link, true);
  }
  await Deno.remove(folder, { recursive: true });
});
