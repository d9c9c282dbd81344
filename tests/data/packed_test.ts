/** Packed texts: a small file that unpacks to too much is refused before all of it is kept. */
import { strict as assert } from "node:assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { unpacked } from "../../core/data/packed.ts";
import { memoryDisk, writeFile } from "../../core/disk/mod.ts";

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
