import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { MOST_BYTES, SharedHeap } from "../../core/cpu/shared_memory.ts";
import { HymbaError } from "../../core/errors.ts";
import { linear } from "../../core/ops/linear.ts";
import { finish } from "../../core/plan/mod.ts";
import { Tape } from "../../core/tensor/mod.ts";

Deno.test("freed memory is given out again, neighbours joined", () => {
  const heap = new SharedHeap();
  const [a, b, c] = [1000, 3000, 500].map((bytes) => heap.allocate(bytes, "test")) as [number, number, number];
  assert.deepEqual([a % 256, b % 256, c % 256], [0, 0, 0]);
  assert.ok(a >= 65536 && b >= a + 1000 && c >= b + 3000);
  heap.free(a);
  heap.free(b);
  assert.equal(heap.allocate(4000, "test"), a);
  assert.throws(() => heap.free(b), HymbaError);
  heap.free(a);
  heap.free(c);
  assert.equal(heap.usedBytes, 0);
  assert.equal(heap.allocate(200_000, "test"), a);
});

Deno.test("what does not fit is refused with numbers", () => {
  const heap = new SharedHeap();
  heap.allocate(1 << 20, "test");
  assert.throws(() => heap.require([3e9, 2e9], "plan large"), (error: Error) => {
    assert.ok(error instanceof HymbaError);
    assert.match(error.message, /plan large/);
    assert.match(error.message, new RegExp(String(MOST_BYTES)));
    assert.match(error.message, /500\d{7} bytes/);
    return true;
  });
});

Deno.test("a plan that does not fit is refused before anything is allocated", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const tape = new Tape(false), used = executor.heap.usedBytes;
    const y = linear(tape, { x: tape.input("x", [40000, 8]), w: tape.input("w", [40000, 8]) });
    await assert.rejects(
      executor.prepare(finish(tape, { name: "large", outputs: [y] })),
      /plan large: not enough memory/,
    );
    assert.equal(executor.heap.usedBytes, used);
  } finally {
    await executor.close();
  }
});

Deno.test("dispose gives everything back", async () => {
  const executor = await CpuExecutor.create({ threads: 2 });
  try {
    const tape = new Tape(false), used = executor.heap.usedBytes;
    const y = linear(tape, { x: tape.input("x", [70, 30]), w: tape.input("w", [20, 30]) });
    const program = await executor.prepare(finish(tape, { name: "small", outputs: [y] }));
    assert.ok(executor.heap.usedBytes > used);
    program.dispose();
    program.dispose();
    assert.equal(executor.heap.usedBytes, used);
  } finally {
    await executor.close();
  }
});
