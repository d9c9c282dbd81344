/** The parts of a case: texts for a table, and a call that checks whether the program does the right thing. */
import { join } from "node:path";
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { type Ended, hymba, type Place, start } from "../cli/command_line.ts";

/** One kind of fault that people report of such tools. */
export interface Kind {
  /** The name of the kind. */
  readonly kind: string;
  /** The input of this case. */
  readonly input: string;
  /** The right result. */
  readonly right: string;
  /** The test that checks this on every change. */
  readonly test: string;
  /** Runs the case. Returns what the program does; if that is wrong, the text begins with `no: `. */
  run(place: Ready): Promise<string>;
}

/** A place with a trained run. */
export interface Ready extends Place {
  /** The folder of a run of mamba, trained for two steps. */
  readonly run: string;
}

/** The text `shown`, on one line. If not `ok`, it begins with `no: `. */
export const seen = (ok: boolean, shown: string): string =>
  `${ok ? "" : "no: "}${shown.replaceAll(/\s+/g, " ").trim().slice(0, 160)}`;

/** Calls the program with a text on standard input. */
export async function piped(place: Place, words: readonly string[], text: string): Promise<Ended> {
  const child = start(place, words, { stdin: "piped" });
  const written = new Blob([text]).stream().pipeTo(child.stdin).catch(() => {});
  const [{ code, stdout, stderr }] = await Promise.all([child.output(), written]), decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

/** The first line of an error. */
export const line = (error: string): string =>
  error.split("\n").find((one) => one.startsWith("hymba: "))?.slice(7) ?? error.trim();

/** Calls the program; right where it ends with this exit code and its output or error has `pattern`. */
export async function called(
  place: Place,
  words: readonly string[],
  { code, pattern, stdin }: { code: number; pattern: RegExp; stdin?: string },
): Promise<string> {
  const ended = stdin === undefined ? await hymba(place, ...words) : await piped(place, words, stdin);
  const text = code === 0 ? ended.out : ended.error, hit = pattern.exec(text)?.[0];
  const shown = code === 0 ? hit ?? ended.error : line(ended.error);
  return seen(ended.code === code && hit !== undefined && !/internal fault/.test(ended.error), shown);
}

/** The pieces of a text under a `tokenizer.json`, compared. */
export async function pieces(json: string, text: string, right: string): Promise<string> {
  const got = (await Tokenizer.openJson(json, { name: "case" })).encodePieces(text).join(" ");
  return seen(got === right, got.replaceAll("\n", "\\n"));
}

type Json = Record<string, unknown>;

/** A `tokenizer.json` whose model has every letter of `letters` as a piece, all of one score. */
export function letterFile(letters: string, changes: Json = {}, model: Json = {}): string {
  const all = [...new Set(["▁", ...letters])];
  return JSON.stringify({
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    decoder: null,
    ...changes,
    model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0], ...all.map((piece) => [piece, -1])], ...model },
  });
}

/** The same with an added token behind the pieces. */
export function withToken(letters: string, content: string, flags: Json): string {
  const { model, ...root } = JSON.parse(letterFile(letters));
  const token = { id: model.vocab.length, content, special: false, normalized: false, ...flags };
  return JSON.stringify({ ...root, added_tokens: [token], model });
}

/** Writes a file of the case into the place. Returns its path. */
export async function given(place: Place, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(place.folder, name);
  if (typeof content === "string") await Deno.writeTextFile(path, content);
  else await Deno.writeFile(path, content);
  return path;
}
