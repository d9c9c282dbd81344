/** The hash for browsers is that of `node:crypto`. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { Sha256 } from "../../core/disk/sha256.ts";

const expected = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const filled = (length: number) => Uint8Array.from({ length }, (_, i) => (i * i * 31 + i) & 0xff);

Deno.test("SHA-256: every length around the ends of blocks, and text", () => {
  for (let length = 0; length <= 200; length++) {
    assert.equal(new Sha256().update(filled(length)).digest("hex"), expected(filled(length)), `${length} bytes`);
  }
  assert.equal(new Sha256().update("abc").digest("hex"), expected("abc"));
  assert.equal(new Sha256().update("한국어 — 😀").digest("hex"), expected("한국어 — 😀"));
});

Deno.test("SHA-256: parts of any length give the hash of the whole, and a copy goes its own way", () => {
  const bytes = filled(100_000), hash = new Sha256();
  for (let at = 0, step = 1; at < bytes.length; at += step, step = step * 7 % 991) {
    hash.update(bytes.subarray(at, at + step));
  }
  const copy = hash.copy().update("more");
  assert.equal(hash.digest("hex"), expected(bytes));
  assert.equal(copy.digest("hex"), createHash("sha256").update(bytes).update("more").digest("hex"));
});
