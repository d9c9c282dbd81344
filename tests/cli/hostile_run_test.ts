/** A hostile run folder: nothing in it makes a command hang, or write or read outside of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { requireOwnFolder } from "../../core/record/mod.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Runs a command. It has half a minute: before, it waited for ever. */
async function hymba(...words: readonly string[]) {
  const signal = AbortSignal.timeout(30_000);
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", MAIN, ...words], signal });
  const { code, stderr } = await command.output();
  return { code, text: new TextDecoder().decode(stderr) };
}

const PUBLISHED = fileURLToPath(new URL("../../results/quick", import.meta.url));

/** A copy of a published run, changed by `spoil`. */
async function withRun(spoil: (folder: string) => Promise<void>, test: (folder: string) => Promise<void>) {
  const top = await Deno.makeTempDir(), folder = join(top, "run");
  try {
    await Deno.mkdir(folder);
    for await (const { name } of Deno.readDir(PUBLISHED)) {
      await Deno.copyFile(join(PUBLISHED, name), join(folder, name));
    }
    await spoil(folder);
    await test(folder);
  } finally {
    await Deno.remove(top, { recursive: true });
  }
}

async function replaceByLink(folder: string, name: string, target: string) {
  await Deno.remove(join(folder, name)).catch(() => {});
  await Deno.symlink(target, join(folder, name));
}

for (const file of ["run.json", "metrics.jsonl"]) {
  Deno.test(`hostile run: ${file} that is an endless device is refused at once`, async () => {
    await withRun((folder) => replaceByLink(folder, file, "/dev/zero"), async (folder) => {
      for (const command of ["csv", "report"]) {
        const { code, text } = await hymba(command, folder, "--out", join(folder, "..", "out"));
        assert.equal(code, 1, text);
        assert.match(text, /not a regular file|a device/);
      }
    });
  });
}

Deno.test("hostile run: a pipe instead of a file is refused and not waited for", async () => {
  const spoil = async (folder: string) => {
    await Deno.remove(join(folder, "metrics.jsonl"));
    await new Deno.Command("mkfifo", { args: [join(folder, "metrics.jsonl")] }).output();
  };
  await withRun(spoil, async (folder) => {
    const { code, text } = await hymba("csv", folder, "--out", join(folder, "..", "out"));
    assert.equal(code, 1, text);
    assert.match(text, /a pipe, a socket or a device/);
  });
});

Deno.test("hostile run: a temporary file that is a link does not lead a write out of the folder", async () => {
  await withRun((folder) => Deno.writeTextFile(join(folder, "..", "diary.txt"), "mine"), async (folder) => {
    await Deno.symlink(join(folder, "..", "diary.txt"), join(folder, "table.csv.partial"));
    await writeAtomic(systemDisk, join(folder, "table.csv"), "a,b\n");
    assert.equal(await Deno.readTextFile(join(folder, "..", "diary.txt")), "mine");
    assert.equal(await Deno.readTextFile(join(folder, "table.csv")), "a,b\n");
  });
});

Deno.test("hostile run: a run with a link in it is not trained further", async () => {
  await withRun((folder) => Deno.mkdir(join(folder, "..", "elsewhere")), async (folder) => {
    await Deno.symlink(join(folder, "..", "elsewhere"), join(folder, "arms"));
    await assert.rejects(requireOwnFolder(systemDisk, folder), { message: /arms is a link\n/ });
  });
});
