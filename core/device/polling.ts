/**
 * Waits for the GPU without taking a processor core from it. While one of Dawn's promises is pending, Dawn asks for the result
 * once per `globalThis.setImmediate`, which spins. Here the first polls of a wait stay immediate and the later ones go to a
 * timer. On a software adapter, whose renderer needs that core, this halves the time of a kernel.
 */

const SPIN_MS = 1, SHORT_WAIT_MS = 20;

/** When the wait began whose poll is running now (ms); undefined outside polls. Dawn asks for the next poll inside one. */
let waitingSince: number | undefined;
let installed = false;

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
      waitingSince = since;
      try {
        callback();
      } finally {
        waitingSince = undefined;
      }
    };
    const waited = performance.now() - since;
    if (waited < SPIN_MS) return immediate(poll);
    return setTimeout(poll, waited < SHORT_WAIT_MS ? 1 : 2);
  };
  Object.defineProperty(globalThis, "setImmediate", { value: throttled, configurable: true, writable: true });
}
