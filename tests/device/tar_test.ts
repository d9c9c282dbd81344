import assert from "node:assert/strict";
import { readTar } from "../../core/device/tar.ts";

const encoder = new TextEncoder();

function entry(name: string, content: string, type = "0"): Uint8Array {
  const bytes = encoder.encode(content);
  const block = new Uint8Array(512 + Math.ceil(bytes.length / 512) * 512);
  block.set(encoder.encode(name), 0);
  block.set(encoder.encode(bytes.length.toString(8).padStart(11, "0")), 124);
  block.set(encoder.encode(type), 156);
  block.set(bytes, 512);
  return block;
}

const archive = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));

Deno.test("readTar: files of any length by name; folders and links are skipped", () => {
  const long = "x".repeat(1025);
  const files = readTar(
    archive(entry("folder/", "", "5"), entry("a", "one"), entry("b", ""), entry("c", long), new Uint8Array(1024)),
  );
  assert.deepEqual([...files.keys()], ["a", "b", "c"]);
  assert.equal(new TextDecoder().decode(files.get("a")), "one");
  assert.equal(files.get("b")?.length, 0);
  assert.equal(new TextDecoder().decode(files.get("c")), long);
});

Deno.test("readTar: a truncated archive is an error", () => {
  assert.throws(() => readTar(entry("a", "x".repeat(600)).slice(0, 900)), /truncated/);
});
