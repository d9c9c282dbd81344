/** The flags of every command: amount, colours and format of the output. `main.ts` sets them once. */
import { UsageError } from "../../core/errors.ts";

/** When text has colours. `auto`: on a terminal, unless NO_COLOR is set. */
export type ColorChoice = "auto" | "always" | "never";

const COLORS: readonly ColorChoice[] = ["auto", "always", "never"];

/** The values of the flags of every command. */
export interface Settings {
  /** Only results and errors. */
  readonly quiet: boolean;
  /** Also memory of every stage, and the stacks of errors. */
  readonly verbose: boolean;
  /** Progress bars and lines. */
  readonly progress: boolean;
  readonly color: ColorChoice;
  /** Whether the command prints JSON; its errors are then JSON too. */
  readonly json: boolean;
  /** The words of the command: `ablate`, `plot stages`. */
  readonly command: string;
}

/** A command line without these flags. */
export interface Request {
  readonly words: readonly string[];
  readonly settings: Settings;
  /** `page` with -h or --help, `all` with --help-all. */
  readonly help?: "page" | "all";
  readonly version: boolean;
}

/** Commands whose second word is a command, too. */
const IN_GROUPS = ["plot", "bench", "tokenizer", "config", "array"];

/** The flags of every command with their meanings. */
export const GLOBAL_FLAGS: readonly (readonly [flags: string, meaning: string])[] = [
  ["-h, --help", "this page; --help-all has every option"],
  ["-V, --version", "the version"],
  ["--quiet", "only results and errors"],
  ["--verbose", "also memory of each stage, and where errors come from"],
  ["--no-progress", "no progress bars"],
  ["--color WHEN", "auto, always or never"],
];

let current: Settings = { quiet: false, verbose: false, progress: true, color: "auto", json: false, command: "" };

/** The settings of this process. */
export const settings = (): Settings => current;

export function useSettings(given: Settings): void {
  current = given;
}

function colorOf(word: string | undefined): ColorChoice {
  const found = COLORS.find((choice) => choice === word);
  if (found) return found;
  throw new UsageError("--color", { expected: COLORS.join(", "), got: word ?? "nothing" });
}

/**
 * Separates the flags of every command from a command line. Words after `--` and the value in `--flag=VALUE` are not changed.
 * Throws a UsageError for a wrong colour choice, and for --quiet with --verbose.
 */
export function readRequest(given: readonly string[]): Request {
  const words: string[] = [], end = given.includes("--") ? given.indexOf("--") : given.length;
  let quiet = false, verbose = false, progress = true, color: ColorChoice = "auto", version = false;
  let help: Request["help"];
  for (let i = 0; i < end; i++) {
    const word = given[i] ?? "";
    if (word === "-h" || word === "--help") help ??= "page";
    else if (word === "--help-all") help = "all";
    else if (word === "-V" || word === "--version") version = true;
    else if (word === "--quiet" || word === "-q") quiet = true;
    else if (word === "--verbose" || word === "-v") verbose = true;
    else if (word === "--no-progress") progress = false;
    else if (word === "--no-color") color = "never";
    else if (word === "--color") color = colorOf(given[++i]);
    else if (word.startsWith("--color=")) color = colorOf(word.slice("--color=".length));
    else words.push(word);
  }
  if (quiet && verbose) {
    throw new UsageError("--quiet and --verbose contradict each other", { expected: "one of them" });
  }
  const json = words.includes("--json"), names = words.filter((word) => !word.startsWith("-"));
  const command = names.slice(0, IN_GROUPS.includes(names[0] ?? "") ? 2 : 1).join(" ");
  const settings = { quiet, verbose, progress: progress && !quiet, color, json, command };
  const ordered = words[0] === "--json" ? [...words.slice(1), ...(words.length > 1 ? ["--json"] : [])] : words;
  return { words: [...ordered, ...given.slice(end)], settings, version, ...(help && { help }) };
}
