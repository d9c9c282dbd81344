import { parseSync } from "@optique/core/parser";
import assert from "node:assert/strict";
import { plainStreamRequest, type StreamRequest } from "../../cli/shared/stream_words.ts";
import { tokenizerCommand } from "../../cli/commands/tokenizer.ts";
import { symbolsOf } from "../../cli/commands/tokenizer_train.ts";
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { MAX_LINE_BYTES } from "../../core/tokenizer/train/word_counts.ts";
import { SMALL_TEXT } from "../tokenizer/oracles.ts";
import { checkedJson } from "./json_schemas.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const folder = await Deno.makeTempDir();
const input = `${folder}/input.txt`, prefix = `${folder}/made/tokenizer`, model = `${prefix}.model`;
await Deno.writeTextFile(input, SMALL_TEXT);

/** Runs `hymba tokenizer` with words and a text on standard input. */
async function hymba(
  words: string[],
  text: string | Uint8Array<ArrayBuffer> = "",
): Promise<{ code: number; out: string; error: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, "tokenizer", ...words],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(typeof text === "string" ? new TextEncoder().encode(text) : text);
  await writer.close();
  const { code, stdout, stderr } = await child.output(), decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const out = decoder.decode(stdout);
  if (words.includes("--json")) checkedJson(out);
  return { code, out, error: decoder.decode(stderr) };
}

Deno.test("train writes both formats, and encode and decode are inverse, by lines and as a whole", async () => {
  const trained = await hymba(["train", "--input", input, "--vocab-size", "500", "--byte-fallback", "--out", prefix]);
  assert.equal(trained.code, 0, trained.error);
  assert.equal(trained.out, `${model}\n${prefix}.json\n`);
  const tokenizer = Tokenizer.fromModelBytes(await Deno.readFile(model));
  assert.equal(tokenizer.vocabSize, 500);

  const text = "To be,  or\n\nnot é ▁ 語\tto be\n", lines = text.split("\n").slice(0, -1);
  for (const file of [model, `${prefix}.json`]) {
    const ids = await hymba(["encode", "--model", file], text);
    assert.equal(ids.out, lines.map((line) => `${tokenizer.encode(line).join(" ")}\n`).join(""));
    assert.equal((await hymba(["decode", "--model", file], ids.out)).out, text);
    const whole = await hymba(["encode", "--model", file, "--whole"], SMALL_TEXT);
    assert.equal(whole.out, `${tokenizer.encode(SMALL_TEXT).join(" ")}\n`);
    assert.equal((await hymba(["decode", "--model", file, "--whole"], whole.out)).out, SMALL_TEXT);
  }
  const pieces = await hymba(["encode", "--model", model, "--pieces", "--whole"], "é\n");
  assert.equal(pieces.out, `${tokenizer.encodePieces("é\n").join(" ").replace("\n", "\\n")}\n`);
});

Deno.test("with --json, train names its files, and encode and decode print one object", async () => {
  const own = `${folder}/json`, words = ["train", "--input", input, "--vocab-size", "300", "--out", own, "--json"];
  const trained = JSON.parse((await hymba(words)).out), file = `${own}.model`;
  assert.deepEqual([trained.written, trained.pieces], [[file, `${own}.json`], 300]);
  const tokenizer = Tokenizer.fromModelBytes(await Deno.readFile(file)), lines = ["to be,", "", "or not"];
  const text = lines.join("\n"),
    encode = ["encode", "--model", file, "--json"],
    decode = ["decode", ...encode.slice(1)];
  assert.deepEqual(JSON.parse((await hymba(encode, text)).out).ids, lines.map((line) => [...tokenizer.encode(line)]));
  assert.deepEqual(JSON.parse((await hymba([...encode, "--pieces"], text)).out).pieces, [
    ...lines.map((line) => tokenizer.encodePieces(line)),
  ]);
  const whole = JSON.parse((await hymba([...encode, "--whole"], text)).out).ids;
  assert.deepEqual(whole, [[...tokenizer.encode(text)]]);
  assert.deepEqual(JSON.parse((await hymba([...decode, "--whole"], whole[0]!.join(" "))).out).texts, [text]);
  const ids = lines.map((line) => tokenizer.encode(line).join(" ")).join("\n");
  assert.deepEqual(JSON.parse((await hymba(decode, ids)).out).texts, lines);
  const wrong = await hymba(decode, "3 x"), { error, command } = JSON.parse(wrong.out);
  assert.deepEqual([wrong.code, command, error.kind], [2, "tokenizer decode", "usage"]);
});

Deno.test("inspect prints what is there, and draws a picture only where it is told to", async () => {
  const before = [...Deno.readDirSync(folder)].length, drawn = `${folder}/pieces.png`;
  const plain = await hymba(["inspect", "--model", model]);
  assert.match(plain.out, /pieces {5}all 500[\s\S]*longest[\s\S]*likeliest/);
  assert.doesNotMatch(plain.out, /picture/);
  assert.equal([...Deno.readDirSync(folder)].length, before, "nothing was written");
  for (const taken of [model, input, folder]) {
    const kept = taken === folder ? undefined : await Deno.readFile(taken);
    const refused = await hymba(["inspect", "--model", model, "--picture", taken]);
    assert.deepEqual([refused.code, /did not write it[^]*nothing was changed/.test(refused.error)], [2, true]);
    if (kept) assert.deepEqual(await Deno.readFile(taken), kept);
  }
  const words = ["inspect", "--model", model, "--input", input, "--picture", drawn];
  assert.match((await hymba(words)).out, /picture {4}.*pieces\.png/);
  // A picture of an earlier call is replaced.
  const found = await hymba([...words, "--json"]);
  assert.equal(found.code, 0, found.error);
  const { pieces, text, written: [picture], longest, frequent } = JSON.parse(found.out);
  assert.equal(pieces.all, 500);
  assert.equal(pieces.byte, 256);
  assert.equal(text.characters, [...SMALL_TEXT].length);
  assert.equal(text.bytes, new TextEncoder().encode(SMALL_TEXT).length);
  assert.equal(text.tokens, Tokenizer.fromModelBytes(await Deno.readFile(model)).encode(SMALL_TEXT).length);
  assert.equal(text.tokens_per_byte, text.tokens / text.bytes);
  assert.equal(longest.length, 10);
  assert.ok(frequent[0].count >= frequent[9].count);
  const png = await Deno.readFile(picture);
  assert.deepEqual([...png.subarray(1, 4)], [...new TextEncoder().encode("PNG")]);
});

Deno.test("the seed profile writes a tokenizer.json", async () => {
  const out = `${folder}/seed`;
  const trained = await hymba(["train", "--input", input, "--vocab-size", "300", "--profile", "seed", "--out", out]);
  assert.equal(trained.out, `${out}.json\n`, trained.error);
  const encoded = await hymba(["encode", "--model", `${out}.json`], "Where ART thou?\n");
  assert.match(
    (await hymba(["decode", "--model", `${out}.json`], encoded.out)).out.replaceAll(" ", ""),
    /^whereartthou\?\n$/,
  );
});

Deno.test("what cannot be done is said in words, with exit code 2 for wrong requests and 1 for damaged files", async () => {
  const refuse = async (words: string[], { text, code, says }: { text?: string; code: number; says: RegExp }) => {
    const done = await hymba(words, text);
    assert.equal(done.code, code, done.error);
    assert.match(done.error, says);
    assert.equal(done.out, "");
  };
  const train = (file: string, ...more: string[]) => ["train", "--input", file, "--out", `${folder}/no`, ...more];
  await Deno.writeTextFile(`${folder}/empty`, "");
  await Deno.writeFile(`${folder}/latin1`, Uint8Array.of(0x61, 0x0a, 0x62, 0xe9, 0x0a));
  await Deno.writeFile(`${folder}/long`, new Uint8Array(MAX_LINE_BYTES + 2).fill(0x61));
  await Deno.writeFile(`${folder}/cut.model`, (await Deno.readFile(model)).subarray(0, 1000));
  await refuse(train(`${folder}/empty`), { code: 2, says: /the text is empty/ });
  await refuse(train(`${folder}/latin1`), { code: 2, says: /not UTF-8[\s\S]*0xe9 at offset 3/ });
  await refuse(train(`${folder}/long`), { code: 2, says: /line 1 is too long/ });
  await refuse(train(`${folder}/absent`), { code: 2, says: /absent is not there/ });
  await refuse(train(input, "--vocab-size", "900000"), { code: 2, says: /too small for this vocabulary/ });
  await refuse(["encode", "--model", `${folder}/cut.model`], { code: 1, says: /cut\.model: damaged at byte \d+/ });
  await refuse(["decode", "--model", model], { text: "3 500", code: 1, says: /id 500 at position 1/ });
  await refuse(["decode", "--model", model], { text: "3 x", code: 2, says: /no id at position 1/ });
});

Deno.test("symbols on the command line", () => {
  assert.deepEqual(symbolsOf(["<a>,<b>", "\\n", "x\\,y", "\\t\\\\"]), ["<a>", "<b>", "\n", "x,y", "\t\\"]);
});

globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

Deno.test("the plainest requests are read without the parser, and as the parser reads them", () => {
  const model = ["--model", "a.model"];
  const plain: [string[], StreamRequest][] = [
    [["encode", ...model], { command: "encode", model: "a.model", pieces: false, whole: false, json: false }],
    [["encode", "--whole", ...model, "--pieces"], {
      command: "encode",
      model: "a.model",
      pieces: true,
      whole: true,
      json: false,
    }],
    [["decode", ...model, "--whole"], { command: "decode", model: "a.model", pieces: false, whole: true, json: false }],
    [["decode", ...model, "--json"], { command: "decode", model: "a.model", pieces: false, whole: false, json: true }],
  ];
  for (const [words, request] of plain) {
    assert.deepEqual(plainStreamRequest(["tokenizer", ...words]), request);
    assert.ok(parseSync(tokenizerCommand, ["tokenizer", ...words]).success, words.join(" "));
  }
  const others = [[], ["encode"], ["encode", "--model"], ["encode", "--model", "--whole"], ["encode", "--model", ""]];
  others.push(["decode", ...model, "--pieces"], ["encode", ...model, ...model], ["encode", ...model, "--help"]);
  others.push(["encode", "--model=a.model"], ["inspect", ...model], ["encode", ...model, "--whole", "--whole"], [
    "encode",
    ...model,
    "x",
  ]);
  for (const words of others) assert.equal(plainStreamRequest(["tokenizer", ...words]), undefined, words.join(" "));
  assert.equal(plainStreamRequest([]), undefined);
  assert.equal(plainStreamRequest(["csv", "encode", ...model]), undefined);
});

/** A module as `deno info --json` lists it; files that a dynamic import names are read before the program starts, too. */
interface Listed {
  specifier: string;
  dependencies?: { code?: { specifier: string }; isDynamic?: boolean }[];
}

Deno.test("a plain request starts without the rest of the program", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", MAIN] }).output();
  const modules: Listed[] = JSON.parse(new TextDecoder().decode(stdout)).modules;
  const loaded = new Set([new URL("../../cli/main.ts", import.meta.url).href]);
  for (const name of loaded) {
    for (const { code, isDynamic } of modules.find(({ specifier }) => specifier === name)?.dependencies ?? []) {
      if (code && !(isDynamic && code.specifier.startsWith("node:"))) loaded.add(code.specifier);
    }
  }
  assert.ok(loaded.has(new URL("../../core/tokenizer/segmenter.ts", import.meta.url).href));
  const allowed =
    /(cli\/(main|shared\/(stream_words|tokenizer_\w+)|ui\/(run|terminal|start|child|settings|color|output))|core\/(errors|lists|(disk|system|tokenizer)\/\w+))\.ts$/;
  const version = new URL("../../deno.json", import.meta.url).href;
  assert.deepEqual([...loaded].filter((name) => !allowed.test(name) && name !== version), []);
});
