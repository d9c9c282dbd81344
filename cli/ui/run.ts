/**
 * This folder: what a terminal shows, such as progress, tables, errors and escapes.
 * Runs a command. An error is printed on standard error and gives exit code 1 or 2.
 */
import { HymbaError } from "../../core/errors.ts";
import { stopSignals, thisPlatform, warnWithoutLocks } from "../../core/system/mod.ts";
import { hasColor, printStyled, red } from "./color.ts";
import { printError } from "./output.ts";
import { settings } from "./settings.ts";
import { escapeConsole, escaped } from "./terminal.ts";

/** The work of a parsed command line. */
export type Action = () => Promise<void>;

/**
 * The message of a failed write to standard output or error, for example because of a full disk; undefined for other errors. Errors
 * of files are DiskErrors and do not come here.
 */
const outputFailure = (error: unknown): string | undefined =>
  error instanceof Error && /\(os error \d+\)$/.test(error.message) ? error.message : undefined;

/** The permission that Deno refused; undefined for other errors. */
const refused = (error: unknown): string | undefined =>
  error instanceof Deno.errors.NotCapable || error instanceof TypeError && /^Requires \w+ access/.test(error.message)
    ? error.message
    : undefined;

/** The error for the user. Undefined for a bug of the program. */
function explained(error: unknown): HymbaError | undefined {
  if (error instanceof HymbaError) return error;
  const permission = refused(error), failure = outputFailure(error);
  if (permission) {
    return new HymbaError(`not permitted: ${permission}`, {
      hint: "docs/permissions.md lists the permissions of each command",
    });
  }
  if (failure) {
    return new HymbaError(`cannot write to standard output: ${failure}`, { hint: "free some space at its target" });
  }
}

/** The stack of an error and those of its causes. */
function traceOf(error: unknown): string {
  const lines = [error instanceof Error ? error.stack ?? error.message : String(error)];
  for (let cause = error instanceof Error ? error.cause : undefined; cause instanceof Error; cause = cause.cause) {
    lines.push(`caused by ${cause.stack ?? cause.message}`);
  }
  return lines.join("\n");
}

/** Prints an error on standard error, and with --json also on standard output. */
function report(error: unknown): number {
  const known = explained(error), prefix = red("hymba:", hasColor(Deno.stderr));
  const words = known ? escaped(known.message) : "internal error; please report it with the lines below";
  printStyled(`${prefix} ${words}`, Deno.stderr);
  if (!known || settings().verbose) console.error(traceOf(error));
  if (settings().json && !failsToPrint(error)) printError(known ?? error);
  return known?.exitCode ?? 1;
}

const failsToPrint = (error: unknown) => outputFailure(error) !== undefined;

/** Runs an action. An error that is not a {@link HymbaError} is a bug of the program and is printed with its stack. */
export async function runAction(action: Action): Promise<void> {
  escapeConsole();
  warnWithoutLocks((line) => console.error(line));
  try {
    await action();
  } catch (error) {
    Deno.exit(report(error));
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
