/** A process of the tests of shared files: `score FOLDER NAME COUNT` adds entries, `write PATH NAME COUNT` replaces a file. */
import { systemDisk, writeShared } from "../../core/disk/mod.ts";
import { keepScore } from "../../core/study/estimate_score.ts";

const MACHINE = { backend: "cpu", adapter: { name: "WebAssembly", threads: 2 } };
const [what, path = "", name = "", count = ""] = Deno.args;

// Both processes begin at the same time: when the test says so.
await Deno.stdin.read(new Uint8Array(1));
for (let i = 0; i < Number(count); i++) {
  if (what === "write") await writeShared(systemDisk, path, name.repeat(1000));
  else {
    const entry = {
      what: "cell",
      predicted_s: i,
      actual_s: Number(name),
      predicted_bytes: 1,
      actual_bytes: 1,
    } as const;
    await keepScore(systemDisk, MACHINE, { entry, folder: path });
  }
}
