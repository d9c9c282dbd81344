import assert from "node:assert/strict";
import { memoryLimit } from "../../core/system/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { requireMemory } from "../../core/study/require_memory.ts";

/** A system with these files. */
const system = (files: Record<string, string>) => (path: string) => Promise.resolve(files[path]);
const GIB = 2 ** 30;

Deno.test("system: the memory limit of version 2 is the least one on the way up", async () => {
  const read = system({
    "/proc/self/cgroup": "0::/job/step\n",
    "/sys/fs/cgroup/job/step/memory.max": "max\n",
    "/sys/fs/cgroup/job/memory.max": `${2 * GIB}\n`,
    "/sys/fs/cgroup/job/memory.current": `${GIB}\n`,
    "/sys/fs/cgroup/job/memory.stat": `anon 5\ninactive_file ${GIB / 2}\n`,
  });
  assert.deepEqual(await memoryLimit(read), { limit: 2 * GIB, free: 1.5 * GIB });
});

Deno.test("system: in a container the limit is at the root of what the process sees", async () => {
  const read = system({
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/memory.max": `${2 * GIB}\n`,
    "/sys/fs/cgroup/memory.current": "0\n",
  });
  assert.deepEqual(await memoryLimit(read), { limit: 2 * GIB, free: 2 * GIB });
});

Deno.test("system: version 1 writes a number near 2^63 for no limit", async () => {
  const of = (limit: string) =>
    memoryLimit(system({
      "/proc/self/cgroup": "5:cpu,memory:/batch\n0::/\n",
      "/sys/fs/cgroup/memory/batch/memory.limit_in_bytes": limit,
      "/sys/fs/cgroup/memory/batch/memory.usage_in_bytes": `${3 * GIB}\n`,
    }));
  assert.equal(await of("9223372036854771712\n"), undefined);
  assert.deepEqual(await of(`${GIB}\n`), { limit: GIB, free: 0 });
});

Deno.test("system: no control groups, no limit", async () => {
  assert.equal(await memoryLimit(system({})), undefined);
  assert.equal(await memoryLimit(system({ "/proc/self/cgroup": "nonsense\n" })), undefined);
});

Deno.test("system: a study that a container has no room for is refused before it runs, in words", async () => {
  const study = studyOf("quick", { models: ["mamba"] }), MIB = 2 ** 20;
  const refusalAt = async (limit: number): Promise<string> => {
    const container = { limit: limit * MIB, inUse: 100 * MIB, beside: 512 * MIB };
    const executor = await CpuExecutor.create({ threads: 1, container });
    try {
      requireMemory(executor, study);
      return "";
    } catch (error) {
      assert.ok(error instanceof HymbaError);
      return error.message;
    } finally {
      await executor.close();
    }
  };
  const tight = await refusalAt(200);
  assert.match(tight, /mamba, \w+: not enough memory .*\n.*at most 0\.0 MiB of tensors/);
  assert.match(
    tight,
    /memory limit is 200\.0 MiB, of which 100\.0 MiB are in use, 512\.0 MiB are kept for the program/,
  );
  const [, wanted = ""] = /got: +([\d.]+) MiB of tensors/.exec(tight) ?? [];
  assert.ok(Number(wanted) > 1, tight);
  // What the hint says is enough for the whole study, and just enough.
  const least = Number(/a memory limit of (\d+) MiB or more/.exec(tight)?.[1]);
  assert.ok(least > 612 + Number(wanted), tight);
  assert.equal(await refusalAt(least), "");
  assert.match(await refusalAt(least - 2), /not enough memory/);
});
