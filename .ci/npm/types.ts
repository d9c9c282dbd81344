/**
 * Copies the declarations that those of mod.ts need, out of all that the compiler wrote: `deno run -A types.ts FROM TO`. Their imports
 * then name JavaScript, as every version of TypeScript expects.
 */
import { dirname, join } from "node:path";

const [from = "", to = ""] = Deno.args;
const wanted = new Set(["mod.d.ts"]);
for (const path of wanted) {
  const text = await Deno.readTextFile(join(from, path));
  for (const [, target = ""] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)\.ts"/g)) {
    wanted.add(`${join(dirname(path), target)}.d.ts`);
  }
  const own = text.replaceAll(/((?:from|import)\s*\(?\s*"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"');
  await Deno.mkdir(join(to, dirname(path)), { recursive: true });
  // Projects for older targets lack the types of `await using`.
  const types = path === "mod.d.ts" ? '/// <reference lib="esnext.disposable" />\n' : "";
  await Deno.writeTextFile(join(to, path), types + own);
}
console.log(`${wanted.size} files of declarations`);
