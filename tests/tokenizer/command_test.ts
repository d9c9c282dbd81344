/** `hymba tokenizer` and `generate` with files and streams of every kind. */
import assert from "node:assert/strict";
import { Tokenizer, trainTokenizer, wideName } from "../../core/tokenizer/mod.ts";
import { Dice } from "../fuzz/dice.ts";
import { SMALL_TEXT } from "./oracles.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const input = `${folder}/input.txt`, model = `${folder}/a.model`;
const tokenizer = trainTokenizer(SMALL_TEXT, { vocabSize: 400 });
await Deno.writeTextFile(input, SMALL_TEXT);
await Deno.writeFile(model, tokenizer.toModelBytes());

async function hymba(words: string[], text: BlobPart = ""): Promise<{ code: number; out: string; error: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...words],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const given = new Blob([text]).stream().pipeTo(child.stdin).catch(() => {});
  const [{ code, stdout, stderr }] = await Promise.all([child.output(), given]);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

Deno.test("joiners, tabs and controls come through a pipe unchanged", async () => {
  const text = "می\u200cخواهم\n👩\u200d👧\ta\u202eb\u001b[1m\u0007\n";
  const ids = await hymba(["tokenizer", "encode", "--model", model], text);
  assert.equal((await hymba(["tokenizer", "decode", "--model", model], ids.out)).out, text);
  const whole = await hymba(["tokenizer", "encode", "--whole", "--model", model], text);
  assert.equal((await hymba(["tokenizer", "decode", "--whole", "--model", model], whole.out)).out, text);
  const pieces = await hymba(["tokenizer", "encode", "--pieces", "--model", model], "é\u200d\n");
  assert.equal(pieces.out, `${tokenizer.encodePieces("é\u200d").join(" ")}\n`);
});

Deno.test("a folder as --out gets files with names, a folder as input is called a folder", async () => {
  for (const out of [`${folder}/new/`, folder]) {
    const made = await hymba(["tokenizer", "train", "--input", input, "--vocab-size", "200", "--out", out]);
    const prefix = `${out.replace(/\/$/, "")}/tokenizer`;
    assert.equal(made.out.replaceAll("//", "/"), `${prefix}.model\n${prefix}.json\n`, made.error);
    assert.equal(Tokenizer.fromModelBytes(await Deno.readFile(`${prefix}.model`)).vocabSize, 200);
  }
  const requests = [
    ["train", "--input", folder, "--out", `${folder}/x`],
    ["inspect", "--model", folder],
    ["inspect", "--model", model, "--input", folder],
    ["encode", "--model", folder],
    ["decode", "--model", folder],
  ];
  for (const words of requests) {
    const { code, error } = await hymba(["tokenizer", ...words]);
    assert.deepEqual([code, /is a folder/.test(error)], [2, true], `${words}: ${error}`);
  }
});

Deno.test("UTF-16 is recognised by its mark or its zero bytes", async () => {
  const encoded = (text: string, little: boolean) => {
    const bytes = new Uint8Array(2 * text.length), view = new DataView(bytes.buffer);
    for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), little);
    return bytes;
  };
  for (const text of ["To be, or not to be\n", "être ou ne pas être\n", "Быть, or not to be: 1234567890 times\n"]) {
    assert.equal(wideName(encoded(text, true)), "UTF-16LE");
    assert.equal(wideName(encoded(text, false)), "UTF-16BE");
    assert.equal(wideName(encoded(`\ufeff${text}`, true)), "UTF-16LE");
    assert.equal(wideName(new TextEncoder().encode(text)), undefined);
  }
  for (
    const text of ["Быть или не быть, вот в чём вопрос.\n", "Να ζει κανείς ή να μη ζει\n", "होना या न होना यह सवाल है\n"]
  ) {
    assert.equal(wideName(encoded(text, true)), "UTF-16LE", text);
    assert.equal(wideName(encoded(text, false)), "UTF-16BE", text);
    assert.equal(wideName(new TextEncoder().encode(text)), undefined, text);
  }
  for (const text of ["to be, or not to be\n", "\ufeffБыть или не быть\n", "生きるべきか死ぬべきかそれが問題だ"]) {
    for (const little of [true, false]) {
      const view = new DataView(new ArrayBuffer(4 * text.length));
      for (let i = 0; i < text.length; i++) view.setUint32(4 * i, text.charCodeAt(i), little);
      assert.equal(wideName(new Uint8Array(view.buffer)), little ? "UTF-32LE" : "UTF-32BE", text);
    }
  }
  for (const text of ["", "a", "\0", "\0\0\0\0", "a\0\0\0b\0\0\0", "日本語\n"]) {
    assert.equal(wideName(new TextEncoder().encode(text)), undefined, JSON.stringify(text));
  }
  // UTF-8 with U+0000 in it, at places of one kind or of both.
  const every = (letters: string, n: number) =>
    Array.from(letters.repeat(40), (letter, i) => i % (n - 1) === n - 2 ? `${letter}\0` : letter).join("");
  for (
    const letters of ["to be, or not", "Быть или не быть", "être ou ne pas être", "होना या न होना", "生きるべきか"]
  ) {
    for (const n of [3, 4, 5, 6, 7, 8, 16, 40]) {
      for (const text of [every(letters, n), `\0${every(letters, n)}`, `${"x\0".repeat(5)}${every(letters, n)}`]) {
        assert.equal(wideName(new TextEncoder().encode(text)), undefined, `${letters} ${n}`);
      }
    }
  }
  for (const text of ["ab\0\0".repeat(100), "\0\0ab".repeat(100), "\0abc".repeat(100), "abc\0".repeat(2000)]) {
    assert.equal(wideName(new TextEncoder().encode(text)), undefined, JSON.stringify(text.slice(0, 8)));
  }
  // Several alphabets in one text, whose UTF-16 is UTF-8 with control characters.
  for (
    const text of ["to be, быть, να ζει\n".repeat(20), "x = 1; // шаг\n".repeat(20), "α, β, γ: да и нет\n".repeat(9)]
  ) {
    assert.equal(wideName(encoded(text, true)), "UTF-16LE", text);
    assert.equal(wideName(encoded(text, false)), "UTF-16BE", text);
    assert.equal(wideName(new TextEncoder().encode(text)), undefined, text);
  }
  await Deno.writeFile(`${folder}/utf16`, encoded(SMALL_TEXT.slice(0, 5000).replaceAll(/[^\x20-\x7e]/g, "x"), true));
  const { code, error } = await hymba(["tokenizer", "train", "--input", `${folder}/utf16`, "--out", `${folder}/x`]);
  assert.deepEqual([code, /UTF-16LE[^]*iconv -f UTF-16LE -t UTF-8/.test(error)], [2, true], error);
});

Deno.test("encode and inspect refuse what is not UTF-8, and read a text with a byte order mark as one without", async () => {
  const latin1 = Uint8Array.of(...new TextEncoder().encode("to be "), 0xe9, 0x20);
  const utf16 = new Uint8Array(Uint16Array.from("to be, or not", (letter) => letter.charCodeAt(0)).buffer);
  const file = `${folder}/other`, inspect = ["tokenizer", "inspect", "--model", model, "--json", "--input"];
  const encode = ["tokenizer", "encode", "--model", model];
  for (const [bytes, says] of [[latin1, /byte 0xe9 at offset 6/], [utf16, /UTF-16LE/]] as const) {
    await Deno.writeFile(file, bytes);
    for (const done of [await hymba(encode, bytes), await hymba([...inspect, file])]) {
      assert.deepEqual([done.code, says.test(done.error)], [2, true], done.error);
    }
  }
  await Deno.writeTextFile(file, `\ufeff${SMALL_TEXT}`);
  const texts = await Promise.all(
    [file, input].map(async (path) => JSON.parse((await hymba([...inspect, path])).out).text),
  );
  assert.deepEqual(texts[0], texts[1]);
  assert.equal((await hymba(encode, "\ufeffto be")).out, (await hymba(encode, "to be")).out);
  const json = new TextEncoder().encode(tokenizer.toJson());
  json[json.length >> 1] = 0xe9;
  await Deno.writeFile(`${folder}/latin.json`, json);
  const { code, error } = await hymba(["tokenizer", "encode", "--model", `${folder}/latin.json`], "to be");
  assert.deepEqual([code, /latin\.json is not UTF-8 text/.test(error)], [2, true], error);
});

Deno.test("a packed text is called packed", async () => {
  const packed = new Blob([SMALL_TEXT]).stream().pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(`${folder}/text.gz`, packed);
  const { code, error } = await hymba(["tokenizer", "train", "--input", `${folder}/text.gz`, "--out", `${folder}/x`]);
  assert.deepEqual([code, /is packed[^]*gzip -d/.test(error)], [2, true], error);
});

Deno.test("train replaces a tokenizer, and no other file", async () => {
  const words = ["tokenizer", "train", "--input", `${folder}/plain`, "--vocab-size", "300", "--out", `${folder}/mine`];
  await Deno.writeTextFile(`${folder}/plain`, SMALL_TEXT.slice(0, 4000));
  for (const name of ["mine.json", "mine.model"]) {
    await Deno.writeTextFile(`${folder}/${name}`, '{"my": "own"}\n');
    const { code, error } = await hymba(words);
    assert.deepEqual([code, /exists already[^]*did not write it/.test(error)], [2, true], error);
    assert.equal(await Deno.readTextFile(`${folder}/${name}`), '{"my": "own"}\n');
    await Deno.remove(`${folder}/${name}`);
  }
  for (let time = 0; time < 2; time++) assert.equal((await hymba(words)).code, 0);
});

Deno.test("inspect counts 0 of everything in an empty text, and shows a model without ordinary pieces", async () => {
  await Deno.writeTextFile(`${folder}/empty`, "");
  const lone = { model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0]] } };
  await Deno.writeTextFile(`${folder}/lone.json`, JSON.stringify(lone));
  const picture = ["--picture", `${folder}/picture.png`, "--json"];
  for (
    const [file, text] of [[model, "empty"], [`${folder}/lone.json`, "empty"], [`${folder}/lone.json`, "input.txt"]]
  ) {
    const found = await hymba(["tokenizer", "inspect", "--model", file!, "--input", `${folder}/${text}`, ...picture]);
    assert.equal(found.code, 0, found.error);
    const counts = JSON.parse(found.out).text;
    if (text === "empty") assert.deepEqual([counts.characters, counts.tokens, counts.tokens_per_byte], [0, 0, 0]);
  }
  const { code, out } = await hymba(["tokenizer", "inspect", "--model", `${folder}/lone.json`, ...picture.slice(0, 2)]);
  assert.match(out, /scores {5}none/);
  assert.equal(code, 0);
});

Deno.test("files that begin with a line break or a mark, or hold another kind of model", async () => {
  const json = tokenizer.toJson(), ids = `${tokenizer.encode("to be").join(" ")}\n`;
  for (const before of ["\n", "\ufeff", "\ufeff\n", "\r\n \t"]) {
    await Deno.writeTextFile(`${folder}/marked.json`, before + json);
    const { out, error } = await hymba(["tokenizer", "encode", "--model", `${folder}/marked.json`], "to be\n");
    assert.equal(out, ids, error);
  }
});

Deno.test("with byte fallback `train` says which share of the characters became pieces", async () => {
  const text = Array.from({ length: 3000 }, (_, i) => String.fromCodePoint(0xac00 + i * i % 997)).join("");
  await Deno.writeTextFile(`${folder}/ko`, text);
  const words = ["tokenizer", "train", "--input", `${folder}/ko`, "--vocab-size", "500", "--out", `${folder}/ko`];
  const auto = await hymba([...words, "--byte-fallback"]), fixed = await hymba(words);
  assert.deepEqual([auto.code, fixed.code], [0, 2]);
  assert.match(auto.error, /character coverage \d+\.\d\d %: rare characters become bytes/);
});

Deno.test("a text with many characters and a repetitive one can be studied, and a joiner comes out of generate", async () => {
  const dice = new Dice(4, 0), letters = "می\u200cخواهم کرد و رفتیم ";
  const korean = () => String.fromCodePoint(0xac00 + dice.below(1 + dice.below(2000)));
  const texts = {
    korean: { text: Array.from({ length: 6000 }, korean).join(""), says: /character coverage \d+\.\d\d %.*bytes/ },
    repetitive: { text: letters.repeat(400), says: /its vocabulary has \d+ tokens instead of 384/ },
  };
  for (const [name, { text, says }] of Object.entries(texts)) {
    const data = `${folder}/${name}.txt`, out = `${folder}/${name}`;
    await Deno.writeTextFile(data, text);
    const study = ["--preset", "smoke", "--steps", "2", "--backend", "cpu", "--data", data, "--out", out];
    const trained = await hymba(["pretrain", "--model", "mamba", ...study]);
    assert.equal(trained.code, 0, trained.error);
    assert.match(trained.error, says);
    const prompt = "می\u200cخ\tو";
    const made = await hymba(["generate", out, "--tokens", "1", "--backend", "cpu", "--prompt", prompt]);
    assert.ok(made.out.startsWith(prompt), JSON.stringify(made));
    const again = await hymba(["pretrain", "--model", "mamba", ...study]);
    assert.equal(again.code, 0, again.error);
  }
});
