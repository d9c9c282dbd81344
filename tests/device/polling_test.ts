import assert from "node:assert/strict";
import { patiently, spinFor, throttlePolling } from "../../core/device/polling.ts";
import { at } from "../../core/lists.ts";

Deno.test("throttlePolling: a wait like Dawn's polls a few hundred times, not tens of thousands of times", async () => {
  throttlePolling();
  const { polls } = await waited(100);
  assert.ok(polls > 20 && polls < 500, `${polls} polls in 100 ms`);
});

Deno.test("throttlePolling: a short wait is immediate, also after a long one", async () => {
  throttlePolling();
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await new Promise<void>((resolve) => void globalThis.setImmediate(nativeLike(resolve)));
    times.push(performance.now() - start);
  }
  assert.ok(at(times.toSorted((a, b) => a - b), 10) < 0.9, `median of ${times.map((t) => t.toFixed(2))} ms`);
});

/** Polls like Dawn for `ms` milliseconds. Returns the number of polls and the time that it took (ms). */
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

Deno.test("patiently: polls have the requested interval, and the wait ends at most that late", async () => {
  throttlePolling();
  // The shortest of three, because the machine may be busy.
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    const { polls, took } = await patiently(waited(200), 40);
    assert.ok(polls <= 7, `${polls} polls in 200 ms`);
    least = Math.min(least, took);
  }
  assert.ok(least < 300, `${least} ms`);
});

Deno.test("patiently: when it ends, a delayed poll runs at once", async () => {
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

/** Number of polls in `waits` short waits. */
async function pollsOf(waits: number): Promise<number> {
  let polls = 0;
  for (let i = 0; i < waits; i++) polls += (await waited(0.9)).polls;
  return polls;
}

Deno.test("spinFor: for a software adapter, polls leave the core free in the first millisecond, too", async () => {
  throttlePolling();
  spinFor("software");
  const software = await pollsOf(20);
  spinFor("hardware");
  const hardware = await pollsOf(20);
  assert.ok(3 * software < hardware, `${software} and ${hardware} polls in twenty waits of 0.9 ms`);
});

Deno.test("throttlePolling: other callbacks use the original setImmediate, with their arguments", async () => {
  throttlePolling();
  assert.equal(await new Promise((resolve) => globalThis.setImmediate((value: unknown) => resolve(value), 5)), 5);
});

/** A function that looks like a native one: it has no name and no source text. */
function nativeLike(call: () => void): () => void {
  const bound = call.bind(undefined);
  Object.defineProperty(bound, "name", { value: "" });
  return bound;
}
