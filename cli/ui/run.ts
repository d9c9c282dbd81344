/** Runs a command. An error is printed on standard error and gives exit code 1 or 2. */
import { HymbaError } from "../../core/errors.ts";
import { stopSignals, thisPlatform } from "../../core/system/mod.ts";
import { defuseConsole } from "./terminal.ts";

/** The work of a parsed command line. */
export type Action = () => Promise<void>;

/**
 * The message of a failed write to standard output or error, for example because of a full disk; undefined for other errors. Errors
 * of files are DiskErrors and do not come here.
 */
const outputFailure = (error: unknown): string | undefined =>
  error instanceof Error && /\(os error \d+\)$/.test(error.message) ? error.message : undefined;

/** Runs an action. An error that is not a {@link HymbaError} is a fault of the program and is printed with its stack. */
export async function carryOut(action: Action): Promise<void> {
  defuseConsole();
  try {
    await action();
  } catch (error) {
    if (error instanceof HymbaError) {
      console.error(`hymba: ${error.message}`);
      Deno.exit(error.exitCode);
    }
    if (
      error instanceof Deno.errors.NotCapable ||
      error instanceof TypeError && /^Requires \w+ access/.test(error.message)
    ) {
      console.error(
        `hymba: not permitted: ${error.message}\n  try:      the README lists the permissions of each command`,
      );
      Deno.exit(1);
    }
    const failure = outputFailure(error);
    if (failure) {
      console.error(`hymba: cannot write to standard output: ${failure}\n  try:      free some space at its target`);
      Deno.exit(1);
    }
    console.error("hymba: internal fault; please report it with the lines below");
    console.error(error instanceof Error ? error.stack : error);
    Deno.exit(1);
  }
}

/** Lets the user stop a command. */
export interface Stopper {
  readonly signal: AbortSignal;
  /** From now on the first Ctrl-C, Ctrl-Break or SIGTERM aborts the signal, so that the work is saved. The second one ends the process. */
  listen(): void;
  /** Removes the signal handlers. */
  dispose(): void;
}

/** Before `listen`, Ctrl-C ends the process at once, because there is nothing to save. */
export function stopper(onStop: () => void): Stopper {
  const controller = new AbortController();
  let listening = false;
  const stop = () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort();
    onStop();
  };
  const names = stopSignals(thisPlatform);
  return {
    signal: controller.signal,
    listen: () => {
      if (listening) return;
      for (const name of names) Deno.addSignalListener(name, stop);
      listening = true;
    },
    dispose: () => {
      if (!listening) return;
      for (const name of names) Deno.removeSignalListener(name, stop);
      listening = false;
    },
  };
}
