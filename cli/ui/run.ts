/** Ends the process as an error asks: words on standard error, and exit code 1 or 2. */
import { HymbaError } from "../../core/errors.ts";
import { defuseConsole } from "./terminal.ts";

/** What a parsed command line becomes. */
export type Action = () => Promise<void>;

/**
 * What the system says of a write to standard output or error that it refused (a full disk behind it), or undefined. Files are no
 * matter here: their errors are of the program's own kind.
 */
const refusedOutput = (error: unknown): string | undefined =>
  error instanceof Error && /\(os error \d+\)$/.test(error.message) ? error.message : undefined;

/** Runs an action; anything but a {@link HymbaError} is a fault of the program and shows its stack. */
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
        `hymba: not permitted: ${error.message}\n  try:      the README lists what each command needs`,
      );
      Deno.exit(1);
    }
    const refused = refusedOutput(error);
    if (refused) {
      console.error(`hymba: cannot write to standard output: ${refused}\n  try:      make room where it goes to`);
      Deno.exit(1);
    }
    console.error("hymba: internal fault; please report it with these lines");
    console.error(error instanceof Error ? error.stack : error);
    Deno.exit(1);
  }
}

/** How a command is asked to stop. */
export interface Stopper {
  readonly signal: AbortSignal;
  /** From now on the first Ctrl-C or SIGTERM aborts the signal, so that work is saved, and the second ends the process. */
  listen(): void;
  /** Takes the handlers away. */
  dispose(): void;
}

/** Nothing is caught before `listen`: as long as there is nothing to save, Ctrl-C ends the process at once. */
export function stopper(onStop: () => void): Stopper {
  const controller = new AbortController();
  let listening = false;
  const stop = () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort();
    onStop();
  };
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  return {
    signal: controller.signal,
    listen: () => {
      if (!listening) { for (const name of names) Deno.addSignalListener(name, stop); }
      listening = true;
    },
    dispose: () => {
      if (listening) { for (const name of names) Deno.removeSignalListener(name, stop); }
      listening = false;
    },
  };
}
