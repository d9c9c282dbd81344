/** Measures when each dispatch of a program begins and ends. */
import type { Profile, Span } from "../plan/mod.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { Gpu } from "./gpu.ts";
import type { PlannedLaunch } from "./launch.ts";
import { readBuffer } from "./transfer.ts";
import { at } from "../lists.ts";

/** Encodes launch `i`. */
type Encode = (pass: GPUComputePassEncoder, i: number) => void;

const RESOLVE_USAGE = 0x200 | 0x04; // QUERY_RESOLVE | COPY_SRC
/** A query set holds 4096 timestamps, two for each pass. */
const PASSES_PER_SET = 2048;
/** A timestamp has two words of 32 bits; it counts nanoseconds. */
const WORDS = 2, NANO = 1e-9;

/** Encodes one pass per launch. Without timestamp queries each launch is one submit, and its time includes that of a submit. */
export async function profiled(gpu: Gpu, launches: readonly PlannedLaunch[], encode: Encode): Promise<Profile> {
  const queries = gpu.device.features.has("timestamp-query");
  const times: [number, number][] = [];
  for (let from = 0; from < launches.length; from += PASSES_PER_SET) {
    const range = { from, count: Math.min(PASSES_PER_SET, launches.length - from) };
    times.push(...await (queries ? queried(gpu, range, encode) : submitted(gpu, range, encode)));
  }
  const first = times[0]?.[0] ?? 0;
  const spans: Span[] = times.map(([start, end], i) => {
    const { kernel, step } = at(launches, i);
    return { kernel: kernel.name, step, start: start - first, end: end - first };
  });
  return { clock: queries ? "device" : "host", spans };
}

async function queried(gpu: Gpu, { from, count }: { from: number; count: number }, encode: Encode) {
  const { device } = gpu, encoder = device.createCommandEncoder();
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 * count });
  const columns = 2 * count * WORDS, resolved = device.createBuffer({ size: columns * 4, usage: RESOLVE_USAGE });
  for (let i = 0; i < count; i++) {
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
    const pass = encoder.beginComputePass({ timestampWrites });
    encode(pass, from + i);
    pass.end();
  }
  encoder.resolveQuerySet(querySet, 0, 2 * count, resolved, 0);
  device.queue.submit([encoder.finish()]);
  const all = { name: "timestamps", rows: 1, columns, rowStride: columns, offset: 0 };
  const words = new BigUint64Array(await readBuffer(gpu, resolved, { tensor: all as Tensor }));
  querySet.destroy();
  resolved.destroy();
  return Array.from({ length: count }, (_, i): [number, number] => {
    return [Number(at(words, 2 * i)) * NANO, Number(at(words, 2 * i + 1)) * NANO];
  });
}

async function submitted({ device }: Gpu, { from, count }: { from: number; count: number }, encode: Encode) {
  const times: [number, number][] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now() / 1000, encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass, from + i);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    times.push([start, performance.now() / 1000]);
  }
  return times;
}
