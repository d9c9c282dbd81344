/**
 * Waits for the GPU without keeping a processor core busy. While one of Dawn's promises is pending, Dawn polls with
 * `globalThis.setImmediate`, which spins. Here the first polls of a wait stay immediate and the later ones use a timer. A
 * software adapter needs that core itself, so this halves the time of a kernel there. Each poll also leaks 32 bytes in Deno
 * (docs/reliability.md). A caller that can wait longer for the result says so with {@link patiently}.
 */

/**
 * Polls are immediate for this time. Hardware often answers before a timer would fire. A software adapter needs the core that
 * the polls keep busy.
 */
const SPIN_MS = { hardware: 1, software: 0.1 } as const;
/** During this time the timer fires after 1 ms, later after 2 ms. */
const SHORT_WAIT_MS = 20;
/** Bounds of the interval of {@link patiently}. Timers are not exact enough for a shorter one. */
const LEAST_PATIENCE_MS = 2, MOST_PATIENCE_MS = 100;

/** Start of the wait whose poll is running now (ms); undefined outside of polls. Dawn requests the next poll inside a poll. */
let waitingSince: number | undefined;
let installed = false;
let spin: number = SPIN_MS.hardware;
/** The interval between polls (ms) during {@link patiently}, else 0. */
let patience = 0;
/** The poll that waits for a timer. */
let held: { readonly timer: ReturnType<typeof setTimeout>; readonly poll: () => void } | undefined;

/** Dawn's polls are native functions without a name. All other callbacks pass unchanged. */
const isPoll = (callback: unknown): callback is () => void =>
  typeof callback === "function" && callback.name === "" &&
  /\[native code\]/.test(Function.prototype.toString.call(callback));

/** Installs the throttle. Call it before Dawn's first promise. Calling it again does nothing. */
export function throttlePolling(): void {
  if (installed) return;
  installed = true;
  const immediate = globalThis.setImmediate;
  const throttled = (callback: (...rest: unknown[]) => void, ...rest: unknown[]) => {
    if (!isPoll(callback)) return immediate(callback, ...rest);
    const since = waitingSince ?? performance.now();
    const poll = () => {
      held = undefined;
      waitingSince = since;
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

/** Sets the time of immediate polls for the adapter that was opened last. */
export function spinFor(adapter: keyof typeof SPIN_MS): void {
  spin = SPIN_MS[adapter];
}

function hold(poll: () => void, delay: number) {
  const timer = setTimeout(poll, delay);
  held = { timer, poll };
  return timer;
}

/**
 * Waits for a promise of the device with rare polls: the result may arrive up to `within` milliseconds late. At most 100; less
 * than 2 means no extra delay. Useful when more work is queued behind the awaited work. Afterwards polls are frequent again.
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
