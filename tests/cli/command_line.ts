/** The command line in a process of its own, away from the user's cache and runs; and a small text to train on. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomInteger } from "../../core/random.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** A folder for one test file, with a text in it. */
export interface Place {
  readonly folder: string;
  /** A file of about 20,000 bytes. */
  readonly text: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Words of two or three syllables, the same at every call: enough of them for the smallest vocabulary of a preset. */
function madeUpText(): string {
  const counter = { seed: 11, stream: 100, step: 0 };
  let index = 0;
  const pick = (letters: string) => letters[randomInteger(counter, index++, letters.length)]!;
  const syllable = () => pick("bdfghklmnprstvw") + pick("aeiou");
  const words = Array.from({ length: 500 }, (_, i) => syllable() + syllable() + (i % 2 === 0 ? syllable() : ""));
  const line = () => Array.from({ length: 8 }, () => words[randomInteger(counter, index++, words.length)]!).join(" ");
  return Array.from({ length: 450 }, () => `${line()}\n`).join("");
}

export async function makePlace(): Promise<Place> {
  const folder = await Deno.makeTempDir(), text = join(folder, "made-up.txt");
  await Deno.writeTextFile(text, madeUpText());
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  // Deno's own cache lies below the same folder as the program's unless it is named.
  const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout));
  const own = { XDG_CACHE_HOME: join(folder, "cache"), HYMBA_DATA_DIR: "", HYMBA_ADAPTER: "" };
  return { folder, text, environment: { ...own, DENO_DIR: denoDir, NO_COLOR: "1" } };
}

/** The child process of `hymba` with these words, not yet waited for. */
export function start({ folder, environment }: Place, words: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...words],
    cwd: folder,
    env: environment,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs `hymba` with these words to its end. */
export async function hymba(place: Place, ...words: string[]): Promise<Ended> {
  const { code, stdout, stderr } = await start(place, words).output(), decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}
