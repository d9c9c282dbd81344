import assert from "node:assert/strict";
import { patiently, spinFor, throttlePolling } from "../../core/device/polling.ts";

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

/** Waits as Dawn does, poll by poll, for so many milliseconds. */
async function waited(ms: number): Promise<{ polls: number; took: number }> {
  let polls = 0;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    const ask = () => {
      polls++;
      if (performance.now() - start >= ms) resolve();
      else globalThis.setImmediate(nativeLike(ask));
    };
    globalThis.setImmediate(nativeLike(ask));
  });
  return { polls, took: performance.now() - start };
}

Deno.test("patiently: polls stay apart as long as asked, and the wait ends at most that late", async () => {
  throttlePolling();
  // The least of three: the machine may have been busy elsewhere.
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    const { polls, took } = await patiently(waited(200), 40);
    assert.ok(polls <= 7, `${polls} polls in 200 ms`);
    least = Math.min(least, took);
  }
  assert.ok(least < 300, `${least} ms`);
});

Deno.test("patiently: when it ends, a poll that was put off for a patient wait comes at once", async () => {
  throttlePolling();
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now(), other = patiently(Promise.resolve(), 100), behind = waited(1);
    await other;
    await behind;
    least = Math.min(least, performance.now() - start);
  }
  assert.ok(least < 50, `${least} ms`);
});

/** Polls of so many short waits together. */
async function pollsOf(waits: number): Promise<number> {
  let polls = 0;
  for (let i = 0; i < waits; i++) polls += (await waited(0.9)).polls;
  return polls;
}

Deno.test("spinFor: a software adapter is left the core in the first millisecond, too", async () => {
  throttlePolling();
  spinFor("software");
  const software = await pollsOf(20);
  spinFor("hardware");
  const hardware = await pollsOf(20);
  assert.ok(3 * software < hardware, `${software} and ${hardware} polls in twenty waits of 0.9 ms`);
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
