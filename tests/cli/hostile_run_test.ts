/** A hostile run folder: nothing in it makes a command hang, or write or read outside of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lockFolder, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { readSafetensors } from "../../core/params/read_safetensors.ts";
import { readTokenizer, requireOwnFolder } from "../../core/record/mod.ts";
import { mergeRuns } from "../../core/study/merge/mod.ts";
import { checkChecksums, writeChecksums } from "../../core/verify/checksums.ts";
import { cleanRun, removeRun } from "../../core/verify/clean.ts";

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

/** A run with weights and checkpoints, made of empty files: enough for what only looks at names. */
async function withCheckpoints(folder: string) {
  const own = join(folder, "arms", "mamba-1");
  await Deno.mkdir(join(own, "checkpoints", "checkpoint-000001"), { recursive: true });
  await Deno.writeTextFile(join(own, "checkpoints", "checkpoint-000001", "state.json"), "mine");
  await Deno.writeTextFile(join(own, "result.json"), "{}");
}

for (const part of ["arms", "arms/mamba-1", "arms/mamba-1/checkpoints"]) {
  Deno.test(`hostile run: clean deletes nothing outside of the run, where ${part} is a link`, async () => {
    const spoil = async (folder: string) => {
      await withCheckpoints(folder);
      await Deno.rename(join(folder, part), join(folder, "..", "elsewhere"));
      await Deno.symlink(join(folder, "..", "elsewhere"), join(folder, part));
    };
    await withRun(spoil, async (folder) => {
      assert.deepEqual(await cleanRun(systemDisk, folder), []);
      const rest = part.split("/").length === 3 ? [] : part === "arms" ? ["mamba-1", "checkpoints"] : ["checkpoints"];
      const kept = join(folder, "..", "elsewhere", ...rest, "checkpoint-000001", "state.json");
      assert.equal(await Deno.readTextFile(kept), "mine");
    });
  });
}

Deno.test("hostile run: clean deletes checkpoints that are in the run, and of a link only the link", async () => {
  await withRun(withCheckpoints, async (folder) => {
    await Deno.writeTextFile(join(folder, "..", "diary.txt"), "mine");
    await Deno.symlink(join(folder, "..", "diary.txt"), join(folder, "left.partial"));
    const found = await cleanRun(systemDisk, folder);
    assert.deepEqual(found.map(({ what }) => what), ["checkpoints", "leftovers"]);
    assert.equal(await systemDisk.stat(join(folder, "arms", "mamba-1", "checkpoints")), undefined);
    assert.equal(await Deno.readTextFile(join(folder, "..", "diary.txt")), "mine");
    await Deno.symlink(folder, join(folder, "..", "link"));
    await assert.rejects(removeRun(systemDisk, join(folder, "..", "link")), /is a link to a run/);
  });
});

Deno.test("hostile run: a lock that is a link does not empty the file that it leads to", async () => {
  await withRun((folder) => Deno.writeTextFile(join(folder, "..", "diary.txt"), "mine"), async (folder) => {
    await Deno.symlink(join(folder, "..", "diary.txt"), join(folder, "lock"));
    await assert.rejects(lockFolder(systemDisk, folder), /lock: it is a link, and leads elsewhere/);
    assert.equal(await Deno.readTextFile(join(folder, "..", "diary.txt")), "mine");
  });
});

Deno.test("hostile run: merge does not copy what a link leads to", async () => {
  await withRun((folder) => Deno.writeTextFile(join(folder, "..", "diary.txt"), "mine"), async (folder) => {
    await Deno.symlink(join(folder, "..", "diary.txt"), join(folder, "notes.txt"));
    const out = join(folder, "..", "merged");
    await assert.rejects(mergeRuns(systemDisk, [folder], { out }), /notes\.txt is a link/);
    assert.equal(await systemDisk.stat(out), undefined);
  });
});

Deno.test("hostile run: links in a circle do not keep verify busy", async () => {
  const spoil = async (folder: string) => {
    for (const name of ["a", "b", "c"]) await Deno.symlink(".", join(folder, name));
  };
  await withRun(spoil, async (folder) => {
    await writeChecksums(systemDisk, folder);
    const findings = await checkChecksums(systemDisk, folder);
    assert.deepEqual(findings.filter(({ what, ok }) => !ok || what.startsWith("a/")), []);
  });
});

/** A file of 2^38 bytes that takes no place on the disk. */
async function huge(path: string, start = new Uint8Array()) {
  await Deno.writeFile(path, start);
  await Deno.truncate(path, 2 ** 38);
}

Deno.test("hostile run: files that claim to be huge are refused before memory is taken", async () => {
  const folder = await Deno.makeTempDir(), path = join(folder, "file");
  try {
    await huge(path);
    await assert.rejects(readSafetensors(systemDisk, path), /not exactly|header|expected/i);
    await assert.rejects(systemDisk.read(path), /larger than the free memory/);
    const header = new TextEncoder().encode(
      JSON.stringify({ nats: { dtype: "U8", shape: [2 ** 38 - 128], data_offsets: [0, 2 ** 38 - 128] } }).padEnd(120),
    );
    await huge(path, new Uint8Array([120, 0, 0, 0, 0, 0, 0, 0, ...header]));
    await assert.rejects(readSafetensors(systemDisk, path), /larger than the free memory/);
    for (const name of ["tokenizer.model", "tokenizer.json"]) {
      await huge(join(folder, name));
      await assert.rejects(readTokenizer(systemDisk, join(folder, name)), /is too large/);
    }
    await huge(join(folder, "checksums.json"));
    assert.match((await checkChecksums(systemDisk, folder))[0]?.detail ?? "", /is too large/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("hostile run: a run with a link in it is not trained further", async () => {
  await withRun((folder) => Deno.mkdir(join(folder, "..", "elsewhere")), async (folder) => {
    await Deno.symlink(join(folder, "..", "elsewhere"), join(folder, "arms"));
    await assert.rejects(requireOwnFolder(systemDisk, folder), { message: /arms is a link\n/ });
  });
});
