/** `deno task site`: every document is a page, and every link of every page leads somewhere. */
import { strict as assert } from "node:assert";
import { dirname, join } from "node:path/posix";
import { thorough } from "./thorough.ts";

const ROOT = new URL("../", import.meta.url), SITE = new URL("dist/site/", ROOT);

/** The paths of all pages, from the folder of the site. */
function pages(folder = ""): string[] {
  return [...Deno.readDirSync(new URL(folder, SITE))].flatMap(({ name, isDirectory }) =>
    isDirectory ? pages(`${folder}${name}/`) : name.endsWith(".html") ? [folder + name] : []
  );
}

/** Links and pictures of a page that lead nowhere. */
function broken(page: string, html: string, ids: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...html.matchAll(/(?:href|src)="(?![a-z]+:)([^"#]*)(?:#([^"]*))?"/g)].flatMap(([link, path = "", place]) => {
    const target = path === "" ? page : join(dirname(page), decodeURIComponent(path));
    if (place && target.endsWith(".html")) return ids.get(target)?.has(place) ? [] : [`${page}: ${link}`];
    if (target.endsWith(".html")) return ids.has(target) ? [] : [`${page}: ${link}`];
    return Deno.statSync(new URL(target, SITE)).isFile ? [] : [`${page}: ${link}`];
  });
}

thorough("task site: a page for every document, and no link that leads nowhere", async () => {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args: ["task", "site"], cwd: ROOT }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const found = pages(), texts = new Map(found.map((page) => [page, Deno.readTextFileSync(new URL(page, SITE))]));
  for (const { name } of Deno.readDirSync(new URL("docs/", ROOT))) {
    if (name.endsWith(".md")) assert.ok(found.includes(`docs/${name.replace(/md$/, "html")}`), name);
  }
  const ids = new Map(
    [...texts].map(([page, html]) =>
      [page, new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => id))] as const
    ),
  );
  assert.deepEqual([...texts].flatMap(([page, html]) => broken(page, html, ids)), []);
  const negative = broken(
    "index.html",
    '<a href="docs/nowhere.html">x</a><a href="docs/tour.html#no-such-place">y</a>',
    ids,
  );
  assert.equal(negative.length, 2, "a negative control");
});
