/**
 * Measures the chunks that small studies on WebGPU leave in the C library's heap, and the number of objects that Dawn made:
 *
 *     deno run -A tests/soak/chunks.ts [--studies 40]
 *
 * Runs studies in a second process, walks over its glibc heap before and after them, and prints the growth per study of the chunks in
 * use, by size. Only for 64-bit Linux with glibc. Free chunks in the cache of a thread (seven per size) count as used.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { systemDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { openWebgpu } from "../../core/webgpu/mod.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";
import { countMade, keptBytes, type Made } from "./kept.ts";

/** Studies before the first walk. After them caches are full and functions are compiled. */
const WARM_UP = 15;

/** Bytes of a word of a chunk's header, and the flags in its size: previous chunk in use, mapped, other arena. */
const WORD = 8, FLAGS = 7, PREVIOUS_IN_USE = 1, LEAST_CHUNK = 32;

const { values } = parseArgs({
  args: Deno.args,
  options: { studies: { type: "string", default: "40" }, child: { type: "boolean", default: false } },
});
const studies = Number(values.studies);
await (values.child ? runStudies() : watch());

/** The child process. Before and after the measured studies it prints the counts and waits until the parent has read its heap. */
async function runStudies() {
  const executor = await openWebgpu(), made = countMade(), corpus = madeUpCorpus();
  const folder = await Deno.makeTempDir(), collect = (globalThis as unknown as { gc(): void }).gc;
  for (let round = 0; round < WARM_UP + studies; round++) {
    const options = { executor, corpus, disk: systemDisk, folder: `${folder}/run`, environment: ENVIRONMENT };
    await runStudy(tinyStudy({ arms: ["hymba"], seeds: [round] }), options);
    await Deno.remove(`${folder}/run`, { recursive: true });
    if (round !== WARM_UP - 1 && round !== WARM_UP + studies - 1) continue;
    // Collected objects are finalised after the collection, a few at a time.
    for (let i = 0; i < 20; i++) {
      collect();
      await new Promise((done) => setTimeout(done, 20));
    }
    console.log(JSON.stringify(made));
    await Deno.stdin.read(new Uint8Array(1));
  }
  await executor.close();
  await Deno.remove(folder, { recursive: true });
}

async function watch() {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", fileURLToPath(import.meta.url), "--child", `--studies=${studies}`],
    env: { MALLOC_ARENA_MAX: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const goOn = child.stdin.getWriter(), seen: { made: Made; chunks: Map<number, number> }[] = [];
  for await (const line of child.stdout.pipeThrough(new TextDecoderStream())) {
    seen.push({ made: JSON.parse(line), chunks: await chunksOf(child.pid) });
    await goOn.write(new Uint8Array(1));
  }
  await goOn.close();
  const { code } = await child.status, [before, after] = seen;
  if (code !== 0 || !before || !after) throw new Error(`the studies ended with ${code}`);
  const each = (now: number, then: number) => (now - then) / studies;
  const objects = each(after.made.objects, before.made.objects);
  const functions = each(after.made.functions, before.made.functions);
  console.log(
    `each of ${studies} studies made ${objects.toFixed(0)} native objects, ${functions.toFixed(0)} functions`,
  );
  const grown = [...after.chunks].map(([size, count]) => ({ size, count: each(count, before.chunks.get(size) ?? 0) }));
  const bytes = grown.reduce((sum, { size, count }) => sum + size * count, 0);
  console.log(
    `${bytes.toFixed(0)} bytes of chunks more; ${keptBytes({ objects, functions }).toFixed(0)} by what was made`,
  );
  grown.sort((a, b) => Math.abs(b.size * b.count) - Math.abs(a.size * a.count));
  for (const { size, count } of grown.slice(0, 8)) console.log(`${size} bytes: ${count.toFixed(1)} chunks`);
}

/** Numbers of chunks in use by size, in the heap that grows by brk. Throws an Error without such a heap, or when it is inconsistent. */
async function chunksOf(pid: number): Promise<Map<number, number>> {
  const line = (await Deno.readTextFile(`/proc/${pid}/maps`)).split("\n").find((line) => line.endsWith("[heap]"));
  if (!line) throw new Error(`process ${pid} has no heap`);
  const [from = NaN, to = NaN] = line.split(/[- ]/).slice(0, 2).map((address) => parseInt(address, 16));
  using memory = await Deno.open(`/proc/${pid}/mem`);
  await memory.seek(from, Deno.SeekMode.Start);
  const bytes = new Uint8Array(to - from);
  for (let at = 0; at < bytes.length;) at += (await memory.read(bytes.subarray(at))) ?? bytes.length;
  const view = new DataView(bytes.buffer), counts = new Map<number, number>();
  const wordAt = (at: number) => Number(view.getBigUint64(at, true));
  for (let at = 0; at + 2 * WORD < bytes.length;) {
    const size = wordAt(at + WORD) & ~FLAGS, next = at + size + WORD;
    if (size < LEAST_CHUNK) throw new Error(`no chunk at byte ${at} of the heap: ${size} bytes`);
    // The last chunk is the free rest of the heap.
    if (next + WORD > bytes.length) break;
    if (wordAt(next) & PREVIOUS_IN_USE) counts.set(size, (counts.get(size) ?? 0) + 1);
    at += size;
  }
  return counts;
}
