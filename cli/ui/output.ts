/** What a command prints for programs: one JSON object on standard output, whether it succeeds or fails. */
import { HymbaError } from "../../core/errors.ts";

/** Version of the JSON of all commands. It grows when a field changes its meaning or goes; new fields do not change it. */
export const JSON_VERSION = 1;

let printed = false;

/** Prints the result of a command as JSON on one line. `command`: its words, such as `tokenizer train`. */
export function printJson(command: string, value: object): void {
  printed = true;
  console.log(JSON.stringify({ version: JSON_VERSION, command, ...value }));
}

/** What an error is for programs. `kind`: `usage` where the command line was wrong, `failure` for all others. */
export function errorJson(error: unknown) {
  const known = error instanceof HymbaError ? error : undefined;
  return {
    version: JSON_VERSION,
    error: {
      kind: known ? known.exitCode === 2 ? "usage" : "failure" : "fault",
      exit_code: known?.exitCode ?? 1,
      ...(known?.parts ?? { message: error instanceof Error ? error.message : String(error) }),
    },
  };
}

/** Prints an error as JSON, unless a result was printed: a program reads one object. */
export function printError(error: unknown): void {
  if (!printed) console.log(JSON.stringify(errorJson(error)));
}
