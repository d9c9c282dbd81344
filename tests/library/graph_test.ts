/** What an import of the library loads. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier: string }; readonly isDynamic?: boolean }[];
}

async function modulesOf(entry: string): Promise<ReadonlyMap<string, Module>> {
  const args = ["info", "--json", fileURLToPath(new URL(entry, ROOT))];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  return new Map(modules.map((module) => [module.specifier, module]));
}

/** Paths, from the root, of what an entry loads. `follows`: whether a dynamic import of a path is loaded, too. */
function loaded(modules: ReadonlyMap<string, Module>, entry: string, follows: (path: string) => boolean): string[] {
  const found = new Set([new URL(entry, ROOT).href]);
  for (const name of found) {
    for (const { code, isDynamic } of modules.get(name)?.dependencies ?? []) {
      if (code && (!isDynamic || follows(code.specifier.replace(ROOT.href, "")))) found.add(code.specifier);
    }
  }
  return [...found].map((name) => name.replace(ROOT.href, ""));
}

Deno.test("library: its import loads no engine, no kernel and no package", async () => {
  const all = loaded(await modulesOf("mod.ts"), "mod.ts", () => false);
  const light =
    /^(mod\.ts|core\/(errors|given|lists|random)\.ts|core\/(config|library|system|tokenizer)\/.*|core\/disk\/(hash|sha256)\.ts|core\/params\/specs\.ts)$/;
  assert.deepEqual(all.filter((path) => !light.test(path)), []);
  assert.ok(!all.includes("core/library/engine.ts"));
});

/** Processor time, in milliseconds, that a fresh process spends between the start of its program and the end of an import. */
async function importTime(entry: string): Promise<number> {
  const code = `import process from "node:process"; const before = process.cpuUsage();
    await import(${JSON.stringify(new URL(entry, ROOT).href)});
    const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000);`;
  const args = ["eval", "--no-lock", "--config", fileURLToPath(new URL("deno.json", ROOT)), code];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  return Number(new TextDecoder().decode(stdout));
}

Deno.test("library: its import takes a fraction of the time of the engine's", async () => {
  await importTime("core/library/engine.ts"); // Deno keeps what it has compiled.
  const times = { library: await importTime("mod.ts"), engine: await importTime("core/library/engine.ts") };
  console.log(times);
  assert.ok(times.library > 0 && times.library < times.engine * 0.8, JSON.stringify(times));
});

/** Loaded in Deno and Node only. */
const NOT_IN_BROWSERS = /^(core\/device\/dawn\.ts|core\/backend\/tile_cache\.ts|node:.*|npm:webgpu.*)$/;

Deno.test("library: what a browser loads imports nothing of Node and nothing of npm's native packages", async () => {
  const all = loaded(await modulesOf("mod.ts"), "mod.ts", (path) => !NOT_IN_BROWSERS.test(path));
  assert.ok(all.includes("core/cpu/executor.ts") && all.includes("core/study/one_model.ts"), "the walk ends early");
  const foreign = all.filter((path) => /^(node|npm):/.test(path) && !/^npm:(valibot|jstat|oniguruma)/.test(path));
  assert.deepEqual(foreign, [], "core/system/path.ts and builtin() of core/system/host.ts serve in place of node:…");
});
