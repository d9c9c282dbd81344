/** The page in a browser: its models write what the command line writes, without an error, and for every reader. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openBackend } from "../../core/backend/mod.ts";
import { ARCH_TYPES, layersOf } from "../../core/config/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { attentionOf } from "../../core/eval/attention.ts";
import { DecodeSession } from "../../core/infer/session.ts";
import { at } from "../../core/lists.ts";
import { Answers } from "../../core/serve/answers.ts";
import { exportPage } from "../../core/serve/static_copy.ts";
import { pageFiles } from "../../core/serve/page_files.ts";
import { serve } from "../../core/serve/server.ts";
import { fixed, significant } from "../../core/report/format.ts";
import { chooseModel, TrainedModel } from "../../core/study/one_model.ts";
import { inChromium } from "../browser.ts";
import { thorough } from "../thorough.ts";
import { withTinyRun } from "./tiny_run.ts";

const SCRIPT = new URL("use_page.ts", import.meta.url);
const PROMPT = "the sun ", TOKENS = 12, SEED = 7, TEXT = "the sun and moon";

interface Written {
  readonly texts: Readonly<Record<string, string>>;
  readonly statuses: readonly string[];
  readonly computer: string;
}

interface Seen {
  readonly errors: readonly string[];
  readonly outside: readonly string[];
  readonly looks: Readonly<Record<string, { violations: readonly string[]; wide: number }>>;
  /** Of a text that was stopped: its status, and the buttons with the focus, once while it was written and once after. */
  readonly stopped: { readonly status: string; readonly focused: readonly string[] };
  /** The line below a picture or a text, and the heading above it. */
  readonly attention: readonly [string, string];
  readonly states: readonly [string, string];
  readonly surprise: readonly [string, string];
  readonly write: { readonly cpu: Written; readonly webgpu: Written; readonly byKey: string; readonly byMouse: string };
}

/** Uses a page; undefined, with the reason printed, if there is no browser or no driver for it. */
const use = <T>(address: string, parts: "all" | "write"): Promise<T | undefined> =>
  inChromium<T>(SCRIPT, [address, Deno.env.get("HYMBA_TEST_PICTURES") ?? "-", parts]);

async function answersOf(folder: string, { live }: { live: boolean }): Promise<Answers> {
  return new Answers(systemDisk, folder, await pageFiles(systemDisk), { live });
}

/** Uses the page as the program serves it. */
async function useServed(folder: string): Promise<Seen | undefined> {
  const faults: unknown[] = [], onFault = (error: unknown) => faults.push(error);
  const served = serve(systemDisk, await answersOf(folder, { live: true }), { port: 0, onFault });
  try {
    const seen = await use<Seen>(served.address, "all");
    assert.deepEqual(faults, []);
    return seen;
  } finally {
    await served.close();
  }
}

const TYPES: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" };

/** Uses the page as files, from a server that sends no header but the type. */
async function useExported(folder: string): Promise<Pick<Seen, "errors" | "outside" | "write"> | undefined> {
  const target = join(folder, "..", "site");
  await exportPage(systemDisk, await answersOf(folder, { live: false }), target);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const path = new URL(request.url).pathname.replace(/\/$/, "/index.html"),
      type = TYPES[path.split(".").at(-1) ?? ""];
    const headers = { "content-type": type ?? "application/octet-stream" };
    return new Response(await Deno.readFile(join(target, ...path.split("/"))), { headers });
  });
  try {
    return await use(`http://127.0.0.1:${server.addr.port}/`, "write");
  } finally {
    await server.shutdown();
  }
}

/** Runs something with every model of a run on the processor. */
async function withModels<T>(folder: string, use: (model: TrainedModel) => Promise<T>): Promise<Record<string, T>> {
  const { executor } = await openBackend({ backend: "cpu", threads: 1 }), found: Record<string, T> = {};
  for (const model of ARCH_TYPES) {
    const chosen = await chooseModel(systemDisk, folder, { model });
    const opened = await TrainedModel.open(executor, { disk: systemDisk, chosen });
    found[model] = await use(opened);
    opened.release();
  }
  await executor.close();
  return found;
}

/** What `hymba generate` writes: prompt and text. */
async function generated(model: TrainedModel): Promise<string> {
  const writing = await model.begin(PROMPT, { room: TOKENS });
  let text = PROMPT;
  for await (const part of writing.write({ newTokens: TOKENS, temperature: 0.8, topK: 40, seed: SEED })) text += part;
  writing.dispose();
  return text;
}

/** What the page has to say of the text: cells of attention and states of layer 0, and the surprise of its tokens. */
async function looked({ executor, store, tokenizer }: TrainedModel) {
  const ids = Uint32Array.from(tokenizer.encode(TEXT)), layers = [at(layersOf(store.config), 0)];
  const own = at(layers, 0), size = store.config.metaTokens + ids.length;
  const attention = own.attention ? at(await attentionOf(executor, store, { ids, layers }), 0) : undefined;
  const session = await DecodeSession.create(executor, store, { B: 1, length: ids.length });
  for (const id of ids.subarray(0, 2)) await session.push(Uint32Array.of(id));
  const state = await session.cache(0, "scan"), { stateSize: N } = store.config;
  session.dispose();
  return {
    attention: attention && meanOf(store.config.nHeads, (h) => at(attention, h * size * size + 4 * size + 1)),
    state: state && Math.sqrt(meanOf(N, (n) => at(state, 2 * N + n) ** 2)),
  };
}

const meanOf = (count: number, of: (index: number) => number) =>
  Array.from({ length: count }, (_, i) => of(i)).reduce((sum, value) => sum + value, 0) / count;

/** The page shows the same attention, states and surprise as the program computes. */
async function assertInside({ attention, states, surprise }: Seen, folder: string): Promise<void> {
  const looks = await withModels(folder, looked), { hymba } = looks;
  assert.match(attention[1], /^hymba, layer 0, mean of all heads$/);
  assert.match(attention[0], /^Query 4, ".*" → key 1, meta 1: [\d.]+$/);
  assert.equal(attention[0].split(": ").at(-1), significant(hymba?.attention));
  assert.match(states[0], /^Channel 2 after token 1, ".*": [\d.]+$/);
  assert.equal(states[0].split(": ").at(-1), significant(hymba?.state));
  const losses = await withModels(folder, async (model) => (await model.evaluate(TEXT)).loss);
  const rows = surprise[1].trim().split("\n").map((row) => row.trim().split(/\s+/));
  assert.deepEqual(
    rows.map(([name, , nats]) => [name, nats]),
    Object.entries(losses).map(([name, loss]) => [name, fixed(loss, 3)]),
  );
  assert.match(surprise[0], /^".*": mamba [\d.]+, .*, hymba [\d.]+ nats\.$/);
}

thorough(
  "page: all five models write in the browser what the command line writes, on WebGPU and on the processor",
  async () => {
    await withTinyRun(async (folder) => {
      const seen = await useServed(folder);
      if (!seen) return;
      const { cpu, webgpu, byKey, byMouse } = seen.write;
      assert.deepEqual(seen.errors, [], "console errors");
      assert.deepEqual(seen.outside, [], "requests to elsewhere");
      const expected = await withModels(folder, generated);
      assert.deepEqual(cpu.texts, expected);
      assert.deepEqual(webgpu.texts, expected);
      assert.match(cpu.computer, /^WebAssembly: \d+ workers?, 1 thread each$/);
      assert.match(webgpu.computer, /^WebGPU: /);
      for (const status of [...cpu.statuses, ...webgpu.statuses]) {
        assert.match(status, /^12 tokens · [\d.]+( k)? tokens\/s · caches [\d.]+ (B|KiB)$/);
      }
      assert.match(byKey, /^".*": probability [\d.]+ %\. Likeliest: ".*" [\d.]+ %(, ".*" [\d.]+ %){4}\.$/);
      assert.match(byMouse, /^".*": probability/);
      assert.match(seen.stopped.status, / tokens .* · stopped$/);
      assert.deepEqual(seen.stopped.focused, ["Write", "Stop"]);
      await assertInside(seen, folder);
      for (const [label, { violations, wide }] of Object.entries(seen.looks)) {
        assert.deepEqual(violations, [], label);
        assert.ok(wide <= 0, `${label}: ${wide} pixels wider than its window`);
      }
    });
  },
);

thorough("page: as files on a server that knows nothing of it, its models write the same", async () => {
  await withTinyRun(async (folder) => {
    const seen = await useExported(folder);
    if (!seen) return;
    assert.deepEqual(seen.errors, [], "console errors");
    assert.deepEqual(seen.outside, [], "requests to elsewhere");
    assert.deepEqual(seen.write.cpu.texts, await withModels(folder, generated));
  });
});
