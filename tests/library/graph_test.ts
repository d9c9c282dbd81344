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

/** Loaded in Deno and Node only. */
const NOT_IN_BROWSERS = /^(core\/device\/dawn\.ts|core\/backend\/tile_cache\.ts|node:.*|npm:webgpu.*)$/;

Deno.test("library: what a browser loads imports nothing of Node and nothing of npm's native packages", async () => {
  const all = loaded(await modulesOf("mod.ts"), "mod.ts", (path) => !NOT_IN_BROWSERS.test(path));
  assert.ok(all.includes("core/cpu/executor.ts") && all.includes("core/study/one_model.ts"), "the walk ends early");
  assert.deepEqual(all.filter((path) => /^(node|npm):/.test(path) && !/^npm:(valibot|jstat|oniguruma)/.test(path)), []);
});
