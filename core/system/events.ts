/** Turns of the event loop, for work that does not wait for anything by itself. */

/** Resolves in about a millisecond, when the timers, signals and input that are waiting now have been handled. */
export const eventsTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
