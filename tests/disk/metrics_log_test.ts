import { strict as assert } from "node:assert";
import {
  type Disk,
  DiskError,
  LOG_START,
  memoryDisk,
  MetricsLog,
  readLog,
  readText,
  sha256,
  writeFile,
} from "../../core/disk/mod.ts";

const path = "/metrics.jsonl";
const text = (content: string) => new TextEncoder().encode(content);

async function diskWith(content: string) {
  const disk = memoryDisk();
  await writeFile(disk, path, text(content));
  return disk;
}

Deno.test("metrics log: lines are appended, and a position is the digest of what lies before it", async () => {
  const disk = memoryDisk();
  const log = await MetricsLog.open(disk, path, { position: LOG_START });
  assert.deepEqual(log.position, LOG_START);
  await log.append({ step: 1, loss: 0.5 });
  const position = await log.sync();
  await log.append({ step: 2, text: "é\n" });
  const first = '{"step":1,"loss":0.5}\n';
  assert.equal(await readText(disk, path), `${first}{"step":2,"text":"é\\n"}\n`);
  assert.deepEqual(position, { bytes: first.length, sha256: sha256(first) });
  assert.deepEqual(await readLog(disk, path), [{ step: 1, loss: 0.5 }, { step: 2, text: "é\n" }]);
});

Deno.test("metrics log: a resumed log is cut back to the checkpoint and continues with the same bytes", async () => {
  const straight = memoryDisk(), resumed = memoryDisk();
  for (const disk of [straight, resumed]) {
    const log = await MetricsLog.open(disk, path);
    await log.append({ step: 1 });
    const position = await log.sync();
    await log.append({ step: 2 });
    if (disk === straight) continue;
    const again = await MetricsLog.open(disk, path, { position });
    assert.equal((await readLog(disk, path)).length, 1);
    await again.append({ step: 2 });
    assert.deepEqual(again.position, log.position);
  }
  assert.deepEqual(await straight.read(path), await resumed.read(path));
});

Deno.test("metrics log: without a position whole lines stay and a torn one goes", async () => {
  const disk = await diskWith('{"step":1}\n{"st');
  const log = await MetricsLog.open(disk, path);
  await log.append({ step: 9 });
  assert.equal(await readText(disk, path), '{"step":1}\n{"step":9}\n');
});

Deno.test("metrics log: a log that is not the checkpoint's is refused and left alone", async () => {
  const position = { bytes: 11, sha256: sha256('{"step":1}\n') };
  for (const content of ["", '{"step":1}', '{"step":2}\n{"step":3}\n']) {
    const disk = await diskWith(content);
    await assert.rejects(MetricsLog.open(disk, path, { position }), /not the log that the checkpoint belongs to/);
    assert.equal(await readText(disk, path), content);
  }
});

Deno.test("metrics log: after a failed append the next line replaces what got through", async () => {
  const disk = memoryDisk();
  let full = false;
  const filling: Disk = {
    ...disk,
    writeSome: async (path, bytes, options) => {
      if (!full) return await disk.writeSome(path, bytes, options);
      await disk.writeSome(path, bytes.subarray(0, 12), options);
      throw new DiskError("write", path, "ENOSPC");
    },
  };
  const log = await MetricsLog.open(filling, path);
  await log.append({ step: 1 });
  const before = log.position;
  full = true;
  await assert.rejects(log.append({ step: 2, note: "a long line" }), DiskError);
  assert.deepEqual(log.position, before);
  assert.equal((await readLog(disk, path)).length, 1);
  full = false;
  await log.append({});
  assert.equal(await readText(disk, path), '{"step":1}\n{}\n');
});

Deno.test("metrics log: a reader names the line that is damaged", async () => {
  for (const line of ["[]", "null", "3", '{"a":', "", "{}{}", '{"a":1}\u0000', "\ufeff{}"]) {
    await assert.rejects(
      readLog(await diskWith(`{}\n${line}\n{}\n`), path),
      /metrics\.jsonl, line 2: not a JSON object/,
    );
  }
  const disk = memoryDisk();
  await writeFile(disk, path, Uint8Array.of(0x22, 0xff, 0x22, 0x0a));
  await assert.rejects(readLog(disk, path), /line 1/);
});
