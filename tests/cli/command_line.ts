/** Runs the command line in a new process, without the user's cache and runs, and makes a small text to train on. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { at } from "../../core/lists.ts";
import { randomInteger } from "../../core/random.ts";
import { checkedJson } from "./json_schemas.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** A folder for one test file. It has a text to train on. */
export interface Place {
  readonly folder: string;
  /** A file of about 20,000 bytes. */
  readonly text: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Random words of two or three syllables, always the same. They suffice for the smallest vocabulary of a preset. */
function randomText(): string {
  const counter = { seed: 11, stream: 100, step: 0 };
  let index = 0;
  const pick = <T>(list: ArrayLike<T>) => at(list, randomInteger(counter, index++, list.length));
  const syllable = () => pick("bdfghklmnprstvw") + pick("aeiou");
  const words = Array.from({ length: 500 }, (_, i) => syllable() + syllable() + (i % 2 === 0 ? syllable() : ""));
  const line = () => Array.from({ length: 8 }, () => pick(words)).join(" ");
  return Array.from({ length: 450 }, () => `${line()}\n`).join("");
}

export async function makePlace(): Promise<Place> {
  const folder = await Deno.makeTempDir(), text = join(folder, "made-up.txt");
  await Deno.writeTextFile(text, randomText());
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  // Without DENO_DIR, Deno's own cache would move with XDG_CACHE_HOME.
  const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout));
  const own = { XDG_CACHE_HOME: join(folder, "cache"), HYMBA_DATA_DIR: "", HYMBA_ADAPTER: "" };
  return { folder, text, environment: { ...own, DENO_DIR: denoDir, NO_COLOR: "1" } };
}

/** Starts `hymba` with these words in a child process. */
export function start(
  { folder, environment }: Place,
  words: readonly string[],
  { stdin = "null" }: { stdin?: "null" | "piped" } = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...words],
    cwd: folder,
    env: environment,
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs `hymba` with these words and waits for its end. What it prints with --json must follow the command's schema. */
export async function hymba(place: Place, ...words: string[]): Promise<Ended> {
  const { code, stdout, stderr } = await start(place, words).output(), decoder = new TextDecoder();
  const out = decoder.decode(stdout);
  if (words.includes("--json") && !words.includes("--help")) checkedJson(out);
  return { code, out, error: decoder.decode(stderr) };
}
