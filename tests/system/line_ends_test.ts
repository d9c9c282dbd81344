/** A checkout with \r\n at the ends of lines computes and shows the same. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { kernel } from "../../core/webgpu/launch.ts";
import { page } from "../../core/report/document/html.ts";

const windows = (text: string) => text.replaceAll("\n", "\r\n");

Deno.test("line ends: a kernel with \\r\\n is the kernel with \\n", () => {
  const code = "enable f16;\nstruct Run {\n  T: u32,\n}\nfn main() {}\n";
  assert.deepEqual(kernel("k", "// first\n", windows(code)), kernel("k", "// first\n", code));
  assert.equal(kernel("k", "// first\n", windows(code)).code.indexOf("enable f16;\n"), 0);
});

Deno.test("line ends: the policy of a page has the hash of the script that the browser reads", () => {
  const html = page("t", { lead: "", body: "", script: windows("let a = 1;\nlet b = 2;\n") });
  const [, script = ""] = /<script>([^]*?)<\/script>/.exec(html) ?? [];
  // HTML is read with \r\n as \n.
  const hash = createHash("sha256").update(script.replaceAll("\r\n", "\n")).digest("base64");
  assert(html.includes(`'sha256-${hash}'`));
});

Deno.test("line ends: .gitattributes keeps \\n in every checkout", async () => {
  const attributes = await Deno.readTextFile(new URL("../../.gitattributes", import.meta.url));
  assert.match(attributes, /^\* text=auto eol=lf$/m);
});
