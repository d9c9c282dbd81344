/** A reader that has seen enough closes the pipe, as `head` does. */
import assert from "node:assert/strict";

const TERMINAL = new URL("../../cli/ui/terminal.ts", import.meta.url).href;

Deno.test({
  name: "a text whose reader closes the pipe ends without an error",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const code = `import { writeText } from "${TERMINAL}"; for (;;) await writeText("word ".repeat(1000));`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", code],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const timeout = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const [{ code: exit }, error] = await Promise.all([child.status, new Response(child.stderr).text()]);
    clearTimeout(timeout);
    assert.deepEqual([exit, error], [0, ""]);
  },
});
