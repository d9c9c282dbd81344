/** Files of somebody else in the folder of --out are never replaced. */
import { strict as assert } from "node:assert";
import { writeOwnFiles } from "../../cli/shared/own_files.ts";
import { memoryDisk, readText, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { hymba, makePlace } from "./command_line.ts";

const PAGE = `<!doctype html>\n<html lang="en">\n<meta content="default-src 'none'; img-src data:">\n<title>`;
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3);

Deno.test("a file that begins differently is not replaced, and nothing else is written", async () => {
  const files = [["table.csv", "model,seed\nmamba,1\n"], ["page.html", `${PAGE}new`], ["figure.png", PNG]] as const;
  const own: Record<string, string | Uint8Array> = {
    "table.csv": "my,own,table\n1,2,3\n",
    "page.html": "<!doctype html>\n<title>My page</title>\n",
    "figure.png": "no picture\n",
  };
  for (const [name, content] of Object.entries(own)) {
    const disk = memoryDisk();
    await disk.makeFolder("out");
    await writeAtomic(disk, `out/${name}`, content);
    await assert.rejects(writeOwnFiles(disk, "out", files), UsageError, name);
    assert.deepEqual(await disk.list("out"), [name]);
    assert.equal(await readText(disk, `out/${name}`), content);
  }
});

Deno.test("earlier versions are replaced, and so is everything in a run", async () => {
  const disk = memoryDisk(), first = [["table.csv", "model,seed\na,1\n"], ["page.html", `${PAGE}old`]] as const;
  const next = [["table.csv", "model,seed\nb,2\nc,3\n"], ["page.html", `${PAGE}new`]] as const;
  await writeOwnFiles(disk, "out", first);
  await writeOwnFiles(disk, "out", next);
  for (const [name, content] of next) assert.equal(await readText(disk, `out/${name}`), content);
  await writeAtomic(disk, "out/run.json", "{}");
  await writeOwnFiles(disk, "out", [["table.csv", "kind\n"]]);
  assert.equal(await readText(disk, "out/table.csv"), "kind\n");
});

Deno.test("sweep and recall refuse a folder in which a file of the same name lies, before they train", async () => {
  const place = await makePlace(), out = `${place.folder}/mine`;
  await Deno.mkdir(out);
  const over = ["--over", "pretraining.rate=1e-2,2e-2", "--models", "mamba", "--data", place.text];
  for (
    const [file, words] of [
      ["sweep.csv", ["sweep", "--preset", "smoke", ...over]],
      ["recall.csv", ["recall", "--preset", "smoke", "--models", "mamba"]],
    ] as const
  ) {
    await Deno.writeTextFile(`${out}/${file}`, "my own\n");
    const { code, error } = await hymba(place, ...words, "--backend", "cpu", "--out", out);
    assert.deepEqual([code, error.includes(file)], [2, true], error);
    assert.doesNotMatch(error, /tokens\/s/);
    assert.equal(await Deno.readTextFile(`${out}/${file}`), "my own\n");
    await Deno.remove(`${out}/${file}`);
  }
  await Deno.remove(place.folder, { recursive: true });
});
