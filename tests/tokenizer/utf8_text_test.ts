/** Texts of users: cut anywhere, with a byte order mark, in other encodings. */
import assert from "node:assert/strict";
import { textBlocks, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { textStatistics } from "../../core/tokenizer/text_statistics.ts";
import { utf8Parts, utf8Text } from "../../core/tokenizer/utf8_text.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Bytes in parts of one size. All parts are in one buffer that is written over, as those of a file are. */
async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    block.set(part);
    yield block.subarray(0, part.length);
    block.fill(0xff);
  }
}

async function read(bytes: Uint8Array, size: number, atOnce = false): Promise<string> {
  let all = "";
  for await (const { bytes: part, text } of utf8Parts(cut(bytes, size), "it", { atOnce })) {
    assert.equal(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(part), text);
    all += text;
  }
  return all;
}

const TEXT = "aé語😀\ufeffb\0c\n".repeat(700);

Deno.test("a text comes through whole wherever it is cut, without a byte order mark at its start", async () => {
  const short = TEXT.slice(0, 30), sizes = [1, 2, 3, 4, 5, 7];
  for (const size of [...sizes, 4095, 4096, 4097, 20000]) assert.equal(await read(bytesOf(TEXT), size), TEXT);
  for (const size of sizes) {
    assert.equal(await read(bytesOf(short), size, true), short);
    assert.equal(await read(bytesOf(`\ufeff\ufeff${short}`), size), `\ufeff${short}`);
  }
  assert.equal(utf8Text(bytesOf(`\ufeff\ufeff${short}`), "it"), `\ufeff${short}`);
  assert.deepEqual([await read(bytesOf("\ufeff"), 1), await read(new Uint8Array(0), 1), utf8Text(bytesOf(""), "it")], [
    "",
    "",
    "",
  ]);
});

Deno.test("the first byte that is not UTF-8 is named with its place in the file", async () => {
  const broken: [number[], number][] = [
    [[0xe9], 0],
    [[0xe9, 0x20], 0],
    [[0xf0, 0x9f, 0x98], 0],
    [[0x80], 0],
    [[0xc0, 0x80], 0],
    [[0xed, 0xa0, 0x80], 0],
    [[0xff], 0],
    [[0xc3, 0xa9, 0xe8, 0xaa], 2],
  ];
  for (const before of ["", "aé\n", "\ufeff語", TEXT]) {
    const start = bytesOf(before);
    for (const [end, at] of broken) {
      const bytes = Uint8Array.of(...start, ...end);
      const says = new RegExp(`it is not UTF-8 text[^]*byte 0x${end[at]!.toString(16)} at offset ${start.length + at}`);
      for (const size of before === TEXT ? [4096, 9000] : [1, 3, 100]) {
        await assert.rejects(read(bytes, size), says, `${end} behind ${before.length}`);
      }
      assert.throws(() => utf8Text(bytes, "it"), says);
    }
  }
});

Deno.test("another encoding and a packed text are named", async () => {
  const utf16 = (text: string) => new Uint8Array(Uint16Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
  const given: [Uint8Array, RegExp][] = [
    [utf16("To be, or not to be\n"), /got: +UTF-16LE[^]*iconv -f UTF-16LE/],
    [utf16("\ufeffTo be"), /got: +UTF-16LE/],
    [Uint8Array.of(0x1f, 0x8b, 8, 0), /it is packed[^]*gzip -d/],
  ];
  for (const [bytes, says] of given) {
    for (const size of [1, 5, 100]) await assert.rejects(read(bytes, size), says);
    assert.throws(() => utf8Text(bytes, "it"), says);
  }
});

Deno.test("training and statistics read a text with and without a byte order mark alike", async () => {
  const plain = bytesOf("to be or not to be, é\n".repeat(30)), marked = Uint8Array.of(0xef, 0xbb, 0xbf, ...plain);
  const blocks = async (bytes: Uint8Array) => (await Array.fromAsync(textBlocks(cut(bytes, 50), "it"))).join("");
  assert.equal(await blocks(marked), await blocks(plain));
  const tokenizer = trainTokenizer(await blocks(plain), { vocabSize: 300, size: "most" });
  const count = (bytes: Uint8Array) => textStatistics(tokenizer, { parts: cut(bytes, 50), name: "it" });
  assert.deepEqual(await count(marked), await count(plain));
});
