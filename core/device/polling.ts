/**
 * Waits for the GPU without taking a processor core from it. While one of Dawn's promises is pending, Dawn asks for the result
 * once per `globalThis.setImmediate`, which spins. Here the first polls of a wait stay immediate and the later ones go to a
 * timer. On a software adapter, whose renderer needs that core, this halves the time of a kernel. Each poll also costs 32 bytes
 * that Deno never frees (docs/reliability.md), so who can be told late says so ({@link patiently}).
 */

/** So long polls are immediate: a GPU often answers sooner than a timer goes, a software adapter wants the core that spins. */
const SPIN_MS = { hardware: 1, software: 0.1 } as const, SHORT_WAIT_MS = 20;
/** Timers are not exact enough for less patience, and nothing is worth more. */
const LEAST_PATIENCE_MS = 2, MOST_PATIENCE_MS = 100;

/** When the wait began whose poll is running now (ms); undefined outside polls. Dawn asks for the next poll inside one. */
let waitingSince: number | undefined;
let installed = false;
let spin: number = SPIN_MS.hardware;
/** How far apart polls may be (ms) while somebody waits patiently; 0 when nobody does. */
let patience = 0;
/** The poll that a timer holds. */
let held: { readonly timer: ReturnType<typeof setTimeout>; readonly poll: () => void } | undefined;

/** Dawn's polls are native functions without a name; everybody else's callbacks are left alone. */
const isPoll = (callback: unknown): callback is () => void =>
  typeof callback === "function" && callback.name === "" &&
  /\[native code\]/.test(Function.prototype.toString.call(callback));

/** Puts the throttle in place, once. Call it before the first promise of Dawn's. */
export function throttlePolling(): void {
  if (installed) return;
  installed = true;
  const immediate = globalThis.setImmediate;
  const throttled = (callback: (...rest: unknown[]) => void, ...rest: unknown[]) => {
    if (!isPoll(callback)) return immediate(callback, ...rest);
    const since = waitingSince ?? performance.now();
    const poll = () => {
      [held, waitingSince] = [undefined, since];
      try {
        callback();
      } finally {
        waitingSince = undefined;
      }
    };
    const waited = performance.now() - since;
    if (patience === 0 && waited < spin) return immediate(poll);
    return hold(poll, Math.max(patience, waited < SHORT_WAIT_MS ? 1 : 2));
  };
  Object.defineProperty(globalThis, "setImmediate", { value: throttled, configurable: true, writable: true });
}

/** Says who computes behind Dawn from now on: the adapter that was opened last. */
export const spinFor = (adapter: keyof typeof SPIN_MS): void => void (spin = SPIN_MS[adapter]);

function hold(poll: () => void, delay: number) {
  const timer = setTimeout(poll, delay);
  held = { timer, poll };
  return timer;
}

/**
 * Awaits something of the device's that may be noticed `within` so many milliseconds (2 to 100; less counts as none) after it
 * happened: the end of a run behind which another one is queued. When it ends, polls follow each other quickly again, for whoever
 * reads next.
 */
export async function patiently<T>(wait: Promise<T>, within: number): Promise<T> {
  patience = within < LEAST_PATIENCE_MS ? 0 : Math.min(within, MOST_PATIENCE_MS);
  try {
    return await wait;
  } finally {
    patience = 0;
    if (held) {
      clearTimeout(held.timer);
      hold(held.poll, 1);
    }
  }
}
