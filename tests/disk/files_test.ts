import { strict as assert } from "node:assert";
import { join } from "node:path";
import { HymbaError } from "../../core/errors.ts";
import {
  type Disk,
  DiskError,
  isTemporary,
  makeFolders,
  memoryDisk,
  readText,
  removeAtomic,
  removeTemporaries,
  removeTree,
  requireSpace,
  systemDisk,
  temporaryName,
  writeAtomic,
  writeFile,
} from "../../core/disk/mod.ts";

const text = (content: string) => new TextEncoder().encode(content);

/** A disk that writes at most `most` bytes of each write. */
const taking = (most: number): Disk => {
  const disk = memoryDisk();
  return { ...disk, writeSome: (path, bytes, options) => disk.writeSome(path, bytes.subarray(0, most), options) };
};

Deno.test("writeFile: short writes are continued until all bytes are down", async () => {
  const disk = taking(3);
  await writeFile(disk, "/a", text("longer than what follows"));
  await writeFile(disk, "/a", text("eleven bytes"));
  assert.equal(await readText(disk, "/a"), "eleven bytes");
});

Deno.test("writeFile: a disk that takes nothing is a full disk", async () => {
  await assert.rejects(writeFile(taking(0), "/a", text("x")), (error: DiskError) => error.code === "ENOSPC");
});

Deno.test("writeAtomic: a failure leaves the old content and no temporary", async () => {
  const disk = memoryDisk();
  await writeAtomic(disk, "/a", "old");
  const failing: Disk = { ...disk, syncFile: (path) => Promise.reject(new DiskError("sync", path, "EIO")) };
  await assert.rejects(writeAtomic(failing, "/a", "new"), DiskError);
  const readOnly: Disk = { ...disk, truncate: (path) => Promise.reject(new DiskError("truncate", path, "EROFS")) };
  // The file that was asked for is named, not the temporary one.
  await assert.rejects(writeAtomic(readOnly, "/a", "new"), /cannot write \/a: the file system is read-only \(EROFS\)/);
  assert.equal(await readText(disk, "/a"), "old");
  assert.deepEqual(await disk.list("/"), ["a"]);
});

Deno.test("readText: bytes that are not UTF-8 are refused", async () => {
  const disk = memoryDisk();
  await writeFile(disk, "/a", Uint8Array.of(0x61, 0xff));
  await assert.rejects(readText(disk, "/a"), HymbaError);
});

Deno.test("removeTree, removeAtomic: everything below goes, neighbours stay", async () => {
  const disk = memoryDisk();
  await makeFolders(disk, "/a/b/c");
  await makeFolders(disk, "/ab");
  await writeFile(disk, "/a/b/c/file", text("x"));
  await removeTree(disk, "/a/b");
  assert.deepEqual(await disk.list("/"), ["a", "ab"]);
  await makeFolders(disk, "/a/b/c");
  await removeAtomic(disk, "/a");
  assert.deepEqual(await disk.list("/"), ["ab"]);
  await removeTree(disk, "/nothing");
});

Deno.test("removeTree: a link to a folder goes, the folder stays", async () => {
  const folder = await Deno.makeTempDir();
  await makeFolders(systemDisk, join(folder, "kept/inner"));
  await makeFolders(systemDisk, join(folder, "run"));
  await Deno.symlink(join(folder, "kept"), join(folder, "run", temporaryName("link")));
  await Deno.symlink(join(folder, "kept"), join(folder, "run", "link"));
  await makeFolders(systemDisk, join(folder, "kept", temporaryName("not-ours")));
  await removeTemporaries(systemDisk, join(folder, "run"));
  assert.deepEqual(await systemDisk.list(join(folder, "run")), ["link"]);
  await removeTree(systemDisk, join(folder, "run"));
  assert.deepEqual(await systemDisk.list(folder), ["kept"]);
  assert.deepEqual(await systemDisk.list(join(folder, "kept")), ["inner", temporaryName("not-ours")]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("removeTemporaries: temporaries at every depth go, the rest stays", async () => {
  const disk = memoryDisk();
  await makeFolders(disk, `/run/checkpoints/${temporaryName("one")}/deep`);
  await writeFile(disk, `/run/${temporaryName("metrics")}`, text("x"));
  await writeFile(disk, "/run/run.json", text("x"));
  const removed = await removeTemporaries(disk, "/run");
  assert.equal(removed.length, 2);
  assert(removed.every((path) => isTemporary(path)));
  assert.deepEqual(await disk.list("/run"), ["checkpoints", "run.json"]);
  assert.deepEqual(await disk.list("/run/checkpoints"), []);
});

Deno.test("requireSpace: too little is refused with both numbers", async () => {
  const disk = memoryDisk({ freeSpace: 3 * 2 ** 20 });
  await requireSpace(disk, "/", 2 * 2 ** 20);
  await assert.rejects(requireSpace(disk, "/", 2 * 2 ** 20 + 1), /expected: 3\.0 MiB free\n {2}got: {6}3\.0 MiB free/);
});
