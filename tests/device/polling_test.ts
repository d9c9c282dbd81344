import assert from "node:assert/strict";
import { throttlePolling } from "../../core/device/polling.ts";

Deno.test("throttlePolling: a wait of Dawn's kind polls a few hundred times at most, not tens of thousands", async () => {
  throttlePolling();
  // A bound function is what a native poll looks like from outside: no name of its own, no source text.
  let polls = 0;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    const ask = () => {
      polls++;
      if (performance.now() - start > 100) resolve();
      else globalThis.setImmediate(nativeLike(ask));
    };
    globalThis.setImmediate(nativeLike(ask));
  });
  assert.ok(polls > 20 && polls < 500, `${polls} polls in 100 ms`);
});

Deno.test("throttlePolling: a short wait stays immediate, also when it follows a long one", async () => {
  throttlePolling();
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await new Promise<void>((resolve) => void globalThis.setImmediate(nativeLike(resolve)));
    times.push(performance.now() - start);
  }
  assert.ok(times.toSorted((a, b) => a - b)[10]! < 0.9, `median of ${times.map((t) => t.toFixed(2))} ms`);
});

Deno.test("throttlePolling: other callbacks get their arguments and the system's own setImmediate", async () => {
  throttlePolling();
  assert.equal(await new Promise((resolve) => globalThis.setImmediate((value: unknown) => resolve(value), 5)), 5);
});

function nativeLike(call: () => void): () => void {
  const bound = call.bind(undefined);
  Object.defineProperty(bound, "name", { value: "" });
  return bound;
}
