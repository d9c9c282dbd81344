import { strict as assert } from "node:assert";
import {
  type Disk,
  DiskError,
  lockFolder,
  makeFolders,
  memoryDisk,
  temporaryName,
  writeFile,
} from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";

Deno.test("run folder: made, locked, cleared of temporaries and free again after close", async () => {
  const disk = memoryDisk();
  await makeFolders(disk, temporaryName("/out/run/checkpoints/hymba/checkpoint-000001"));
  await writeFile(disk, temporaryName("/out/run/run.json"), new Uint8Array(1));
  const run = await lockFolder(disk, "/out/run", { owner: "the first" });
  assert.equal(run.removed.length, 2);
  assert.deepEqual(await disk.list("/out/run"), ["checkpoints", "lock"]);
  await assert.rejects(lockFolder(disk, "/out/run"), (error: HymbaError) => {
    assert(error instanceof HymbaError);
    return /another process works in \/out\/run[^]*got: +the first/.test(error.message);
  });
  await run.close();
  await (await lockFolder(disk, "/out/run")).close();
});

Deno.test("run folder: a start that fails gives the lock back", async () => {
  const disk = memoryDisk();
  await makeFolders(disk, "/out/run");
  const failing: Disk = { ...disk, list: (path) => Promise.reject(new DiskError("list", path, "EIO")) };
  await assert.rejects(lockFolder(failing, "/out/run"), DiskError);
  await (await lockFolder(disk, "/out/run")).close();
});

Deno.test("run folder: a parent that may not be opened is no obstacle, other errors are", async () => {
  const disk = memoryDisk();
  await makeFolders(disk, "/out/run");
  const refusing = (code: string): Disk => ({
    ...disk,
    syncFolder: (path) => path === "/out" ? Promise.reject(new DiskError("sync", path, code)) : disk.syncFolder(path),
  });
  await (await lockFolder(refusing("EACCES"), "/out/run")).close();
  await assert.rejects(lockFolder(refusing("EIO"), "/out/run"), DiskError);
});
