/** Packed texts: a small file that unpacks to too much is refused before all of it is kept. */
import { strict as assert } from "node:assert";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { unpacked } from "../../core/data/packed.ts";
import { type Disk, memoryDisk, writeFile } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";

async function unpackedFrom(bytes: Uint8Array, most: number): Promise<Uint8Array> {
  const disk = memoryDisk();
  await writeFile(disk, "zeros", bytes);
  return await unpacked(disk, "zeros", { most });
}

Deno.test("a packed file of more than the most that is allowed is refused; bytes that are not packed are returned unchanged", async () => {
  const large = new Uint8Array(2 ** 24), most = 2 ** 20;
  for (const packed of [gzipSync(large), zstdCompressSync(large)]) {
    const bytes = Uint8Array.from(packed);
    assert.ok(bytes.length < most);
    await assert.rejects(unpackedFrom(bytes, most), /zeros is too long[^]*at most 1048576 bytes/);
    assert.equal((await unpackedFrom(bytes, large.length)).length, large.length);
  }
  const skipped = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4],
    first = Uint8Array.from([...skipped, ...zstdCompressSync(large)]);
  assert.equal((await unpackedFrom(first, large.length)).length, large.length);
  const plain = new TextEncoder().encode("plain text");
  assert.deepEqual(await unpackedFrom(plain, most), plain);
});

/** What a file of these bytes unpacks to, as text. */
async function textFrom(bytes: Uint8Array): Promise<string> {
  return new TextDecoder().decode(await unpackedFrom(bytes, 2 ** 26));
}

const joined = (...parts: (Uint8Array | readonly number[])[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Bytes that cannot be packed. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return state >>> 24;
  });
}

const CHECKED = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

Deno.test("several Zstandard frames are one text, whatever they are made of", async () => {
  const words = Array.from({ length: 200_000 }, (_, i) => `word${i * 7919 % 100_003}`).join(" ");
  const bytes = new TextEncoder().encode(words), skipped = [0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
  const zeros = zstdCompressSync(new Uint8Array(2 ** 20), CHECKED), nothing = zstdCompressSync(new Uint8Array(0));
  const file = joined(zstdCompressSync(bytes), skipped, nothing, zstdCompressSync(bytes, CHECKED), zeros, skipped);
  assert.equal(await textFrom(file), words + words + "\0".repeat(2 ** 20));
});

Deno.test("a packed file that was cut off, or with other bytes behind it, is refused wherever it ends", async () => {
  const words = Array.from({ length: 3000 }, (_, i) => `word${i * 7919 % 10_007}`).join(" ");
  for (const pack of [gzipSync, (text: string) => zstdCompressSync(text, CHECKED)]) {
    const one = Uint8Array.from(pack(words)), two = joined(one, one);
    for (let cut = 5; cut < one.length; cut += 97) {
      for (const end of [cut, one.length + cut]) {
        await assert.rejects(textFrom(two.subarray(0, end)), /zeros cannot be unpacked/, `${pack.name} ${end}`);
      }
    }
  }
  const packed = Uint8Array.from(zstdCompressSync(words));
  await assert.rejects(textFrom(joined(packed, [1, 2, 3, 4, 5])), /got: +other bytes at \d+/);
  await assert.rejects(textFrom(joined(packed, [0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0, 1])), /got: +a part of one/);
});

Deno.test("a packed file is read in parts: only small parts are requested", async () => {
  const random = noise(2 ** 22), memory = memoryDisk(), file = Uint8Array.from(zstdCompressSync(random));
  await writeFile(memory, "random", file);
  let most = 0, read = 0;
  const disk: Disk = {
    ...memory,
    openRanges: async (path) => {
      const ranges = await memory.openRanges(path);
      const watched = (at: number, into: Uint8Array) => {
        most = Math.max(most, into.length);
        read += into.length;
        ranges.read(at, into);
      };
      return { bytes: ranges.bytes, read: watched, close: () => ranges.close() };
    },
  };
  assert.deepEqual(await unpacked(disk, "random", { most: 2 ** 23 }), random);
  assert.ok(file.length > 2 ** 21 && read >= file.length && most <= 2 ** 17 + 3, `${most} bytes at once`);
});

Deno.test("a disk that fails while a packed file is read ends the reading with its error", async () => {
  const memory = memoryDisk(), bytes = noise(2 ** 22);
  for (const pack of [gzipSync, zstdCompressSync]) {
    await writeFile(memory, "failing", Uint8Array.from(pack(bytes)));
    const disk: Disk = {
      ...memory,
      openRanges: async (path) => {
        const ranges = await memory.openRanges(path);
        const failing = (at: number, into: Uint8Array) => {
          if (at > 2 ** 20) throw new HymbaError("failing cannot be read", { got: "EIO" });
          ranges.read(at, into);
        };
        return { bytes: ranges.bytes, read: failing, close: () => ranges.close() };
      },
    };
    await assert.rejects(unpacked(disk, "failing", { most: 2 ** 23 }), /failing cannot be read/);
  }
});
