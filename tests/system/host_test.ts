/** What the library needs of the host that it runs in. */
import assert from "node:assert/strict";
import posix from "node:path/posix";
import { builtin, cores, moduleBeside, thisHost } from "../../core/system/mod.ts";
import { slashPaths } from "../../core/system/path.ts";

Deno.test("host: paths of a browser are those of POSIX", () => {
  const paths = [
    "",
    ".",
    "..",
    "/",
    "a",
    "a/b",
    "/a/b/",
    "a//b",
    "./a",
    "a/./b",
    "a/../b",
    "../a",
    "/../a",
    "a/b/..",
    "a/..",
  ];
  const bare = (path: string) => path.length > 1 ? path.replace(/\/$/, "") : path;
  for (const path of paths) {
    assert.equal(slashPaths.normalize(path), bare(posix.normalize(path)), path);
    const plain = slashPaths.normalize(path);
    assert.equal(slashPaths.dirname(plain), posix.dirname(plain), path);
    for (const other of paths) {
      assert.equal(slashPaths.join(path, other), bare(posix.join(path, other)), `${path} ${other}`);
    }
  }
});

Deno.test("host: this is Deno, with modules of Node and cores", () => {
  assert.equal(thisHost(), "deno");
  assert.equal(builtin("node:path")?.join("a", "b"), posix.join("a", "b"));
  assert.equal(cores(), navigator.hardwareConcurrency);
});

Deno.test("host: a module is found beside sources and beside a build", () => {
  assert.equal(moduleBeside("file:///x/core/cpu/a.ts", "./worker").href, "file:///x/core/cpu/worker.ts");
  assert.equal(moduleBeside("https://x/lib/chunk-1.js?v=2", "./worker").href, "https://x/lib/worker.js");
});
