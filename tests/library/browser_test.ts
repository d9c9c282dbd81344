/** The library in a browser: the same tokens as in Deno, on WebGPU, on WebAssembly threads, and without threads. */
import assert from "node:assert/strict";
import { Hymba, HymbaConfig } from "../../mod.ts";
import { chromiumPath, inChromium } from "../browser.ts";
import { thorough } from "../thorough.ts";
import { buildLibrary } from "./build.ts";

const SCRIPT = new URL("open_pages.ts", import.meta.url);
const SIZES = { vocabSize: 50, dModel: 16, nLayers: 1, nHeads: 2, nKvHeads: 1, swaWindow: 8, numMetaTokens: 4 };
const SAMPLING = { maxNewTokens: 12, temperature: 0.9, seed: 5 };

/** What a page, or this process, does with the library. It runs in the browser as text. */
async function use(
  { Hymba: Model, HymbaConfig: Config }: { Hymba: typeof Hymba; HymbaConfig: typeof HymbaConfig },
  { sizes, sampling, backend }: { sizes: typeof SIZES; sampling: typeof SAMPLING; backend: string },
) {
  const model = await Model.create(new Config(sizes), { backend });
  const ids = [[1, 2, 3, 4], [4, 3, 2, 1]], targets = [[2, 3, 4, 5], [3, 2, 1, 0]];
  const { loss } = await model.forward(ids, { targets });
  const tokens = await model.generate([[1, 2, 3], [7]], sampling);
  await model.close();
  return { loss, tokens };
}

const pageOf = (backend: string) =>
  `<!doctype html><link rel="icon" href="data:,"><script type="module">
  const use = ${use};
  const options = ${JSON.stringify({ sizes: SIZES, sampling: SAMPLING, backend })};
  const library = await import("/mod.js").catch((problem) => ({ problem }));
  const outcome = await use(library, options).catch((problem) => ({ problem: String(problem.stack) }));
  globalThis.result = { ...outcome, isolated: crossOriginIsolated };
</script>`;

const TYPES: Readonly<Record<string, string>> = { js: "text/javascript", wasm: "application/wasm" };
/** Headers with which a page may share memory with its workers. */
const ISOLATION = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Serves a page for each backend, isolated below `/isolated/`, and the files of the build. */
function serve(folder: string) {
  return Deno.serve({ port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url), [, place = "", backend = ""] = pathname.split("/");
    if (backend !== "") {
      const headers = { "content-type": "text/html", ...place === "isolated" && ISOLATION };
      return new Response(pageOf(backend), { headers });
    }
    const bytes = await Deno.readFile(`${folder}/${place}`).catch(() => undefined);
    const headers = { "content-type": TYPES[place.split(".").at(-1) ?? ""] ?? "text/plain", ...ISOLATION };
    return bytes ? new Response(bytes, { headers }) : new Response("no such file", { status: 404 });
  });
}

interface Seen {
  readonly said: readonly string[];
  readonly result: { loss: number; tokens: number[][]; isolated: boolean; problem?: string };
}

thorough("library in Chromium: WebGPU, threads, and no threads give Deno's tokens", async () => {
  if (await chromiumPath() === undefined) return;
  const folder = await Deno.makeTempDir();
  try {
    if (!await buildLibrary(folder)) return;
    const server = serve(folder), base = `http://127.0.0.1:${server.addr.port}`;
    const seen = await inChromium<Seen[]>(SCRIPT, [
      `${base}/isolated/cpu`,
      `${base}/plain/cpu`,
      `${base}/plain/webgpu`,
    ]);
    await server.shutdown();
    if (!seen) return;
    const own = await use({ Hymba, HymbaConfig }, { sizes: SIZES, sampling: SAMPLING, backend: "cpu" });
    for (const { said, result } of seen) {
      assert.deepEqual([said, result.problem], [[], undefined]);
      assert.deepEqual(result.tokens, own.tokens);
      assert.ok(Math.abs(result.loss - own.loss) < 1e-4, `${result.loss} in place of ${own.loss}`);
    }
    assert.deepEqual(seen.map(({ result }) => result.isolated), [true, false, false]);
    assert.equal(seen[0]?.result.loss, seen[1]?.result.loss);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
