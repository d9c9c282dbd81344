/** What a command prints for programs: one JSON object on standard output, whether it succeeds or fails. */
import { HymbaError } from "../../core/errors.ts";
import { settings } from "./settings.ts";

/**
 * Version of the JSON of all commands. It changes when a field changes its meaning or is removed. New fields do not change it.
 */
export const JSON_VERSION = 1;

/** Names of the program in snake case: `kvBytes` becomes `kv_bytes`. */
function inSnakeCase(names: string): Record<string, string> {
  const snake = (name: string) => name.replaceAll(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`);
  return Object.fromEntries(names.split(" ").map((name) => [name, snake(name)]));
}

/** Fields by the one name that they have in the JSON of every command. */
const NAMES: Readonly<Record<string, string>> = {
  arm: "model",
  arms: "models",
  ...inSnakeCase(
    "bitsPerByte byteRatio layerRatio kvBytes stateBytes arenaBytes slotBytes peakBytes chosenLogp rejectedLogp logOdds",
  ),
  ...inSnakeCase(
    "newTokens stepsTo90 bySeed byteTokens tokensPerByte tokensPerCharacter developmentPrompts mostLoss stageOneLoss",
  ),
  ...inSnakeCase("overBetaZero overShuffled fewestKeys mostKeys gradientLeaks seeFuture seeNext seePast"),
  ...inSnakeCase(
    "adapterClass aptUri availableMemory dataFolder freeBytes renderNode matrixShapes subgroupMinSize subgroupMaxSize",
  ),
};

/** Also for the whole result: the run folder, and the written files. */
const OUTER: Readonly<Record<string, string>> = { ...NAMES, folder: "run", artifacts: "written" };

/** The names of fields: at the top of a result (`outer`), and inside (`inner`). */
export const SHARED_NAMES = { outer: OUTER, inner: NAMES };

const renamed = (value: object, names: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value).map(([key, item]) => [Object.hasOwn(names, key) ? names[key] : key, withCommonNames(item)]),
  );

/** A value with the common names. An object with its own toJSON is not changed. */
function withCommonNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withCommonNames);
  if (typeof value !== "object" || value === null || "toJSON" in value) return value;
  return renamed(value, NAMES);
}

/** A result with the common names, for files with the output of a command. */
export const inSharedNames = (value: object): Record<string, unknown> => renamed(value, OUTER);

let printed = false;

/**
 * Prints the result of a command as JSON on one line. `command`: its words, such as `tokenizer train`. `keys`: the result
 * contains keys of files, such as a study, whose names are not changed.
 */
export function printJson(command: string, value: object, { keys }: { keys?: "of files" } = {}): void {
  printed = true;
  console.log(JSON.stringify({ version: JSON_VERSION, command, ...(keys ? value : inSharedNames(value)) }));
}

const commandWord = (): string => settings().command;

/** The words of the called command, for code that several commands share. `commands`: all that call it. */
export function commandAmong<const Name extends string>(...commands: Name[]): Name {
  const called = commands.find((name) => name === commandWord());
  if (called === undefined) {
    throw new Error(`${commandWord()} prints JSON that is described for ${commands.join(", ")}`);
  }
  return called;
}

/** What a command that failed prints. */
interface ErrorJson {
  readonly version: typeof JSON_VERSION;
  /** The words of the command. Left out where none was named. */
  readonly command?: string;
  readonly error: HymbaError["parts"] & {
    /** `usage`: the command line was wrong; `failure`: anything else that can happen; `fault`: of the program. */
    readonly kind: "usage" | "failure" | "fault";
    /** 1, or 2 for `usage`. */
    readonly exit_code: number;
  };
}

/** What an error is for programs. */
function errorJson(error: unknown): ErrorJson {
  const known = error instanceof HymbaError ? error : undefined;
  return {
    version: JSON_VERSION,
    ...(commandWord() && { command: commandWord() }),
    error: {
      kind: known ? known.exitCode === 2 ? "usage" : "failure" : "fault",
      exit_code: known?.exitCode ?? 1,
      ...(known?.parts ?? { message: error instanceof Error ? error.message : String(error) }),
    },
  };
}

/** Prints an error as JSON, unless a result was printed, because programs read only one object. */
export function printError(error: unknown): void {
  if (!printed) console.log(JSON.stringify(errorJson(error)));
}
