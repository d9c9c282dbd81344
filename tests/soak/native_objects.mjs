/**
 * What a JavaScript engine keeps of each object that Dawn hands out and that nobody uses any more, in bytes of the process:
 *
 *     deno run -A --v8-flags=--expose-gc tests/soak/native_objects.mjs
 *     node --expose-gc tests/soak/native_objects.mjs node_modules/webgpu/index.js
 *
 * Makes command encoders and command buffers, 280,000 of each, submits now and then so that Dawn lets go of them, and prints the
 * growth for each pair after the first 80,000.
 */
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const ROUNDS = 7, PAIRS = 40_000, BETWEEN_SUBMITS = 100, BETWEEN_COLLECTIONS = 1000;

const path = process.argv[2];
const { create, globals } = await import(path ? pathToFileURL(resolve(path)).href : "webgpu");
Object.assign(globalThis, globals);
const gpu = create(["backend=vulkan"]), adapter = await gpu.requestAdapter(), device = await adapter.requestDevice();
globalThis.kept = [gpu, adapter]; // Dawn's poller outlives them otherwise

async function collected() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().rss;
}

let before = 0;
for (let round = 1; round <= ROUNDS; round++) {
  for (let i = 1; i <= PAIRS; i++) {
    const commands = device.createCommandEncoder().finish();
    if (i % BETWEEN_SUBMITS === 0) {
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
    }
    if (i % BETWEEN_COLLECTIONS === 0) await collected();
  }
  const now = await collected();
  if (round === 2) before = now;
  if (round > 2) console.log(`${((now - before) / PAIRS / (round - 2)).toFixed(1)} bytes a pair`);
}
process.exit(0);
