/** Files of folders that several processes write to at the same time: real processes, and what a killed one leaves. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  memoryDisk,
  systemDisk,
  uniqueTemporaryName,
  writeAtomic,
  writeFile,
  writeShared,
} from "../../core/disk/mod.ts";
import { readScore } from "../../core/study/estimate_score.ts";

const CHILD = fileURLToPath(new URL("shared_child.ts", import.meta.url));
const MACHINE = { backend: "cpu", adapter: { name: "WebAssembly", threads: 2 } };

/** Runs processes in parallel. Returns what they wrote on standard error. */
async function beside(...calls: readonly (readonly string[])[]): Promise<string[]> {
  const children = calls.map((words) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", CHILD, ...words],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn()
  );
  for (const { stdin } of children) {
    const writer = stdin.getWriter();
    await writer.write(new Uint8Array(1));
    await writer.close();
  }
  const ended = await Promise.all(children.map((child) => child.output()));
  return ended.map(({ code, stderr }) => code === 0 ? "" : new TextDecoder().decode(stderr));
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await work(folder).finally(() => Deno.remove(folder, { recursive: true }));
}

Deno.test("two processes that keep a score in one folder lose no entry", () =>
  withFolder(async (folder) => {
    assert.deepEqual(await beside(["score", folder, "1", "20"], ["score", folder, "2", "20"]), ["", ""]);
    const entries = await readScore(systemDisk, MACHINE, folder);
    for (const name of [1, 2]) {
      const own = entries.filter(({ actual_s }) => actual_s === name).map(({ predicted_s }) => predicted_s);
      assert.deepEqual(own, Array.from({ length: 20 }, (_, i) => i));
    }
  }));

Deno.test("two processes that replace one file both succeed, and the file is whole", () =>
  withFolder(async (folder) => {
    const path = join(folder, "file");
    assert.deepEqual(await beside(["write", path, "a", "200"], ["write", path, "b", "200"]), ["", ""]);
    const text = await Deno.readTextFile(path);
    assert.ok(["a", "b"].includes(text.slice(0, 1)) && text === text.slice(0, 1).repeat(1000));
    assert.deepEqual(await systemDisk.list(folder), ["file"]);
  }));

Deno.test("two writes with the usual temporary name take it from each other: that is why shared files have their own", async () => {
  const disk = memoryDisk(), path = "cache";
  await assert.rejects(
    Promise.all([writeAtomic(disk, path, "a"), writeAtomic(disk, path, "b")]),
    /cannot write cache: no such file/,
  );
});

Deno.test("what a killed process left of a shared file is removed a day later, and no other file", async () => {
  const disk = memoryDisk(), now = Date.now(), name = uniqueTemporaryName("file");
  const old = name.replace(/\d+-/, `${now - 25 * 3600_000}-`);
  const others = [name, old.replace("file", "file.more"), old.replace("file", "other"), "file.partial"];
  for (const one of [old, ...others]) await writeFile(disk, one, new Uint8Array(3));
  await writeShared(disk, "file", "new");
  assert.deepEqual(await disk.list("."), ["file", ...others].sort());
});
