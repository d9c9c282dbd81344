/** The signals that ask a program to stop. */
import type { Platform } from "./platform.ts";

/**
 * Signals after which a study saves its work and ends: Ctrl-C and the request of a scheduler or of `kill`. Windows has no
 * SIGTERM; there SIGBREAK is Ctrl-Break and the closing of the window.
 */
export const stopSignals = ({ os }: Pick<Platform, "os">): Deno.Signal[] =>
  os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];

/** Whether a process can pass a signal on to its child. On Windows the console sends Ctrl-C and Ctrl-Break to both. */
export const passesSignals = ({ os }: Pick<Platform, "os">): boolean => os !== "windows";
