/** Files of somebody else in the folder of --out are never replaced. */
import { strict as assert } from "node:assert";
import { crc32 } from "node:zlib";
import { dirname, join } from "node:path";
import { writeOwnFiles } from "../../cli/shared/own_files.ts";
import { DiskError, memoryDisk, readText, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { canvasOf } from "../../core/report/chart/canvas.ts";
import { thorough } from "../thorough.ts";
import { hymba, makePlace } from "./command_line.ts";

const PAGE = `<!doctype html>\n<html lang="en">\n<meta content="default-src 'none'; img-src data:">\n<title>`;
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3);

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

/** A picture by another program: a square of one colour. */
async function blank(size: number): Promise<Uint8Array> {
  const canvas = await canvasOf(size, size), brush = canvas.getContext("2d");
  brush.fillStyle = "#336699";
  brush.fillRect(0, 0, size, size);
  return Uint8Array.from(await canvas.encode("png"));
}

/** Colours of all pixels. */
async function pixelsOf(image: { width: number; height: number }): Promise<number[]> {
  const { createCanvas } = await import("@napi-rs/canvas"), canvas = createCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image as Parameters<ReturnType<typeof canvas.getContext>["drawImage"]>[0], 0, 0);
  return [...canvas.getContext("2d").getImageData(0, 0, image.width, image.height).data];
}

/** The chunks of a PNG. */
function chunksOf(png: Uint8Array): { type: string; text: string; valid: boolean }[] {
  const found: { type: string; text: string; valid: boolean }[] = [], view = new DataView(png.buffer, png.byteOffset);
  for (let i = 8, length; i < png.length; i += 12 + length) {
    length = view.getUint32(i);
    const named = png.subarray(i + 4, i + 8 + length), text = new TextDecoder("latin1").decode(named);
    found.push({ type: text.slice(0, 4), text: text.slice(4), valid: crc32(named) === view.getUint32(i + 8 + length) });
  }
  return found;
}

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

Deno.test("where nothing can be written, no new folder stays behind, and one with files in it does", async () => {
  const disk = memoryDisk(), files = [["table.csv", "a\n"]] as const;
  const full = { ...disk, rename: (_: string, to: string) => Promise.reject(new DiskError("rename", to, "ENOSPC")) };
  await assert.rejects(writeOwnFiles(full, "new/out", files), DiskError);
  assert.deepEqual(await disk.list("."), []);
  await writeOwnFiles(disk, "new", files);
  await assert.rejects(writeOwnFiles(full, "new/out", files), DiskError);
  assert.deepEqual(await disk.list("new"), ["table.csv"]);
});

Deno.test("earlier versions are replaced, and so is everything in a run", async () => {
  const disk = memoryDisk(), first = [["table.csv", "model,seed\na,1\n"], ["page.html", `${PAGE}old`]] as const;
  const next = [["table.csv", "model,seed\nb,2\nc,3\n"], ["page.html", `${PAGE}new`]] as const;
  await writeOwnFiles(disk, "out", first);
  await writeOwnFiles(disk, "out", next);
  for (const [name, content] of next) assert.equal(await readText(disk, `out/${name}`), content);
  const other = [["table.csv", "kind\n"]] as const;
  await writeAtomic(disk, "out/run.json", '{"name": "a run of another program"}\n');
  await assert.rejects(writeOwnFiles(disk, "out", other), UsageError);
  await writeAtomic(disk, "out/run.json", '{\n  "format": 1,\n  "study": {\n');
  await writeOwnFiles(disk, "out", other);
  assert.equal(await readText(disk, "out/table.csv"), "kind\n");
});

Deno.test("pictures carry a mark: only those are replaced, and a run has them without it", async () => {
  const disk = memoryDisk(), png = await blank(3), larger = await blank(5);
  const svg = (width: number) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 2"></svg>\n`;
  for (const [name, first, next] of [["a.png", png, larger], ["a.svg", svg(3), svg(5)]] as const) {
    await writeOwnFiles(disk, "out", [[name, first]]);
    const marked = await disk.read(`out/${name}`);
    assert.notDeepEqual(marked, bytesOf(first));
    await writeOwnFiles(disk, "out", [[name, marked]]);
    assert.deepEqual(await disk.read(`out/${name}`), marked, "a mark is put once");
    await writeOwnFiles(disk, "out", [[name, next]]);
    assert.notDeepEqual(await disk.read(`out/${name}`), marked);
    await writeAtomic(disk, `out/${name}`, first);
    await assert.rejects(
      writeOwnFiles(disk, "out", [[name, next]]),
      /did not write it[^]*(without the mark|differently)/,
    );
    assert.deepEqual(await disk.read(`out/${name}`), bytesOf(first));
    await disk.makeFolder("run");
    await writeAtomic(disk, "run/run.json", '{\n  "format": 1,\n  "study": {\n');
    for (const content of [first, next]) {
      await writeOwnFiles(disk, "run", [[name, content]]);
      assert.deepEqual(await disk.read(`run/${name}`), bytesOf(content));
    }
  }
});

Deno.test("a marked PNG is the same picture, with a valid chunk that names this program", async () => {
  const { loadImage } = await import("@napi-rs/canvas"), png = await blank(7), disk = memoryDisk();
  await writeOwnFiles(disk, "out", [["a.png", png]]);
  const marked = await disk.read("out/a.png");
  assert.deepEqual(await pixelsOf(await loadImage(marked)), await pixelsOf(await loadImage(png)));
  assert.deepEqual(chunksOf(marked).map(({ type }) => type).toSpliced(1, 1), chunksOf(png).map(({ type }) => type));
  const [{ type, text }] = [at(chunksOf(marked), 1)];
  assert.deepEqual([type, text], ["tEXt", "Software\0hymba"]);
  assert.ok(chunksOf(marked).every(({ valid }) => valid));
});

/** A file of somebody else, and the words of a command that would replace it. */
type Case = readonly [file: string, content: string | Uint8Array, ...words: string[]];

/** Of every way to write files one command, and the others. */
async function casesOf(text: string): Promise<{ quick: Case[]; others: Case[] }> {
  const png = await blank(4), cpu = ["--backend", "cpu"], mamba = ["--models", "mamba", ...cpu];
  const decode = [
    "bench",
    "decode",
    "--shape",
    "smoke",
    ...mamba,
    "--contexts",
    "8,16",
    "--batches",
    "1",
    "--out",
    "d",
  ];
  const train = ["tokenizer", "train", "--input", text, "--vocab-size", "300", "--out", "t"];
  const leak = ["causality", "--leak-experiment", "leak", "--data", text, ...cpu], small = ["--small", ...cpu];
  return {
    quick: [
      ["review.html", "my review\n", "review"],
      ["leak/leak.png", png, ...leak],
      ["all/parts/peaks.json", "{}\n", "bench", "all", "--out", "all", ...small],
      ["t.json", '{"version": "1.0", "model": {"type": "Unigram", "vocab": [["<unk>", 0]]}}\n', ...train],
    ],
    others: [
      ["architecture.html", "<!doctype html>\n<title>My house</title>\n", "architecture", "--preset", "smoke"],
      ["a.png", png, "architecture", "--preset", "smoke", "--out", "a.png"],
      ["a.svg", "<svg></svg>\n", "architecture", "--preset", "smoke", "--out", "a.svg"],
      ["mine.png", png, "causality", "--picture", "mine.png", ...mamba],
      ["leak/leak.txt", "The pipe leaks.\n", ...leak],
      ["d/decode.json", "{}\n", ...decode],
      ["d/decode.png", png, ...decode],
      ["trace.json", '{"traceEvents":[]}\n', "bench", "step", "--shape", "smoke", ...mamba, "--trace", "trace.json"],
      ["all/bench.json", "{}\n", "bench", "all", "--out", "all", ...small],
      ["all/bench.html", "<!doctype html>\n", "bench", "all", "--out", "all", ...small],
      ["p.png", png, "tokenizer", "inspect", "--model", "x.json", "--picture", "p.png"],
      ["t.model", "no model\n", ...train],
      ["b/blame.csv", "who,why\n", "blame", "mamba", "hymba", "--data", text, "--out", "b", ...cpu],
    ],
  };
}

for (const set of ["quick", "others"] as const) {
  const name = `commands refuse a file of somebody else that they would replace, and keep it: ${set}`;
  thorough(name, async () => {
    const place = await makePlace(), cases = await casesOf(place.text);
    for (const [file, content, ...words] of cases[set]) {
      const path = join(place.folder, file);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeFile(path, bytesOf(content));
      const { code, error } = await hymba(place, ...words);
      assert.deepEqual([code, /nothing was changed/.test(error)], [2, true], `${words.join(" ")}\n${error}`);
      assert.deepEqual(await Deno.readFile(path), bytesOf(content), file);
      await Deno.remove(path);
    }
    await Deno.remove(place.folder, { recursive: true });
  }, { unless: set === "quick" });
}

thorough("train replaces its own tokenizers, also of the seed profile, and not a model of SentencePiece", async () => {
  const place = await makePlace(), { folder, text } = place;
  const words = ["tokenizer", "train", "--input", text, "--out", "t", "--vocab-size"];
  for (const how of [["300"], ["310"], ["300", "--profile", "seed"], ["310", "--profile", "seed"]]) {
    const { code, error } = await hymba(place, ...words, ...how);
    assert.equal(code, 0, error);
  }
  const foreign = await Deno.readFile(new URL("../tokenizer/fixtures/uni1000_nl.model", import.meta.url));
  await Deno.writeFile(join(folder, "t.model"), foreign);
  const { code, error } = await hymba(place, ...words, "300");
  assert.deepEqual([code, /t\.model exists already/.test(error)], [2, true], error);
  assert.deepEqual(await Deno.readFile(join(folder, "t.model")), foreign);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("documents and pictures of an earlier call are replaced, and no file of a run is", async () => {
  const place = await makePlace(), record = '{\n  "format": 1,\n  "study": {\n';
  for (const file of ["a.html", "a.svg", "a.png"]) {
    for (const preset of ["smoke", "quick"]) {
      const { code, error } = await hymba(place, "architecture", "--preset", preset, "--out", file);
      assert.equal(code, 0, error);
    }
  }
  await Deno.writeTextFile(join(place.folder, "run.json"), record);
  const { code } = await hymba(place, "review", "--out", "run.json");
  assert.deepEqual([code, await Deno.readTextFile(join(place.folder, "run.json"))], [2, record]);
  await Deno.remove(place.folder, { recursive: true });
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
