/** The tokens of a text that is too large for memory. They are made once, kept in the cache folder, and read by ranges. */
import { join } from "node:path";
import { cacheFolder, exclusively } from "../disk/cache_folder.ts";
import {
  type Disk,
  makeFolders,
  parseJson,
  type Ranges,
  readText,
  requireSpace,
  sha256,
  writeAt,
  writeAtomic,
} from "../disk/mod.ts";
import { counted, HymbaError } from "../errors.ts";
import { type Checked, list, object, oneOf, readAs, whole } from "../file_schema.ts";
import { at, present } from "../lists.ts";
import type { Tokenizer, TokenStream } from "../tokenizer/mod.ts";
import { charactersOf, type Corpus } from "./corpus.ts";
import { piecesOfText, type SplitSource } from "./pieces_of_text.ts";
import { type Part, requireLength, type TokenData, type Tokens } from "./parts.ts";
import { hasTest, type PartName, PARTS } from "./split.ts";
import type { DataRule } from "./study_data.ts";

const MAX_PIECES = 2 ** 22;
/** Ids that are written at a time. */
const BLOCK = 2 ** 19;

const part = object({ tokens: whole(), bytes: whole(), starts: list(whole(), { max: MAX_PIECES }) });
const index = object({ format: oneOf([1]), bytesPerToken: oneOf([2, 4]), train: part, validation: part, test: part });

/** tokens.json describes the other files of its folder. It is written last; without it they are incomplete. */
type Index = Checked<typeof index>;

const fileOf = (name: PartName) => `${name}.bin`;

/** Tokens in a file, little-endian, of two or four bytes each. */
class TokenFile implements Tokens {
  constructor(private readonly file: Ranges, readonly length: number, private readonly width: number) {}

  subarray(start: number, end: number): Uint32Array<ArrayBuffer> {
    const from = Math.min(start, this.length), to = Math.max(from, Math.min(end, this.length));
    const bytes = new Uint8Array((to - from) * this.width);
    this.file.read(from * this.width, bytes);
    return this.width === 2 ? Uint32Array.from(new Uint16Array(bytes.buffer)) : new Uint32Array(bytes.buffer);
  }
}

/** Encodes the pieces of one part into a file. */
class PartWriter {
  readonly starts: number[] = [];
  tokens = 0;
  bytes = 0;
  #written = 0;
  #pieceBytes = 0;
  #first: number | undefined;
  #ids: number[] = [];
  readonly #stream: TokenStream;
  readonly #encoder = new TextEncoder();

  constructor(
    private readonly disk: Disk,
    private readonly path: string,
    private readonly how: { tokenizer: Tokenizer; width: 2 | 4 },
  ) {
    this.#stream = how.tokenizer.stream();
  }

  async push(text: string): Promise<void> {
    const bytes = this.#encoder.encode(text);
    this.#pieceBytes += bytes.length;
    this.#take(this.#stream.push(bytes));
    if (this.#ids.length >= BLOCK) await this.#flush();
  }

  /** Ends a piece. A piece of less than two tokens is left out. */
  async end(): Promise<void> {
    this.#take(this.#stream.finish());
    const all = this.#written + this.#ids.length, length = all - this.tokens;
    if (length < 2) this.#ids.length -= length;
    else {
      this.starts.push(this.tokens);
      this.tokens = all;
      this.bytes += this.#pieceBytes - this.how.tokenizer.bytesOf(present(this.#first, "the first token of a piece"));
    }
    this.#first = undefined;
    this.#pieceBytes = 0;
    if (this.#ids.length >= BLOCK) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.disk.syncFile(this.path);
  }

  #take(ids: Uint32Array): void {
    this.#first ??= ids[0];
    for (const id of ids) this.#ids.push(id);
  }

  async #flush(): Promise<void> {
    const { width } = this.how, ids = width === 2 ? Uint16Array.from(this.#ids) : Uint32Array.from(this.#ids);
    const bytes = new Uint8Array(ids.buffer);
    await writeAt(this.disk, this.path, { bytes, offset: this.#written * width });
    this.#written += this.#ids.length;
    this.#ids = [];
  }
}

interface Wanted {
  readonly corpus: Corpus;
  readonly sources: readonly SplitSource[];
  readonly tokenizer: Tokenizer;
  readonly rule: DataRule;
  readonly onProgress?: (line: string) => void;
}

/** The folder for these texts and pieces with this tokenizer. */
function folderOf({ corpus, sources, tokenizer }: Wanted): string {
  const { separate = {} } = corpus, texts = [corpus, ...Object.values(separate)].map(({ sha256 }) => sha256);
  const cuts = sources.flatMap(({ pieces }) => pieces.map(({ part, start, end }) => `${part} ${start} ${end}`));
  const key = sha256(["tokens 1", tokenizer.hash, ...texts, ...cuts].join("\n"));
  return join(cacheFolder(), "tokens", key.slice(0, 32));
}

/**
 * The tokens of texts that are not in memory. The first call makes the files. After a kill, the next call makes them again.
 */
export async function tokenFiles(disk: Disk, wanted: Wanted): Promise<TokenData> {
  const folder = folderOf(wanted), { onProgress } = wanted;
  await makeFolders(disk, folder);
  const found = await exclusively(disk, join(folder, "lock"), {
    onWait: () => onProgress?.("waiting for another process, which encodes this text"),
    work: async () => await readIndex(disk, folder) ?? await makeFiles(disk, folder, wanted),
  });
  return await opened(disk, folder, { index: found, rule: wanted.rule });
}

/** Describes the files of the folder; undefined if they are incomplete. */
async function readIndex(disk: Disk, folder: string): Promise<Index | undefined> {
  const path = join(folder, "tokens.json");
  if (!await disk.stat(path)) return undefined;
  const found = readAs(index, parseJson(await readText(disk, path), path), path);
  for (const name of PARTS) {
    const file = join(folder, fileOf(name)),
      bytes = (await disk.stat(file))?.bytes,
      expected = found.bytesPerToken * found[name].tokens;
    if (bytes === expected) continue;
    throw new HymbaError(`${file} is damaged`, {
      expected: `${expected} bytes`,
      got: bytes === undefined ? "no file" : counted(bytes, "byte"),
      hint: `remove the folder ${folder}; it is made again`,
    });
  }
  return found;
}

/** Reports progress after each 5 % of `all` characters. */
function progressOf(all: number, onProgress: Wanted["onProgress"]): (characters: number) => void {
  let done = 0, said = 0;
  return (characters) => {
    done += characters;
    if (done - said < all / 20) return;
    onProgress?.(`encoding the text: ${Math.round(100 * done / all)} %`);
    said = done;
  };
}

/** Encodes all pieces of a text, each into the file of its part. */
async function encodePieces(
  source: SplitSource,
  { writerOf, tell }: { writerOf: (name: PartName) => PartWriter; tell: (characters: number) => void },
): Promise<void> {
  let open: number | undefined;
  const end = async () => {
    if (open !== undefined) await writerOf(at(source.pieces, open).part).end();
  };
  for await (const { piece, text } of piecesOfText(source)) {
    if (piece !== open) await end();
    open = piece;
    await writerOf(at(source.pieces, piece).part).push(text);
    tell(text.length);
  }
  await end();
}

async function makeFiles(disk: Disk, folder: string, wanted: Wanted): Promise<Index> {
  const { tokenizer, sources, onProgress } = wanted, width = tokenizer.vocabSize <= 2 ** 16 ? 2 : 4;
  const all = sources.reduce((sum, { corpus }) => sum + charactersOf(corpus), 0);
  // At least one byte of text per token is assumed. Most tokens have several.
  await requireSpace(disk, folder, width * all);
  const writers = new Map<PartName, PartWriter>();
  for (const name of PARTS) {
    const path = join(folder, fileOf(name));
    await disk.truncate(path, 0);
    writers.set(name, new PartWriter(disk, path, { tokenizer, width }));
  }
  const writerOf = (name: PartName) => present(writers.get(name), name), tell = progressOf(all, onProgress);
  for (const source of sources) await encodePieces(source, { writerOf, tell });
  for (const writer of writers.values()) await writer.finish();
  const facts = (name: PartName) => {
    const { tokens, bytes, starts } = writerOf(name);
    return { tokens, bytes, starts };
  };
  const made: Index = {
    format: 1,
    bytesPerToken: width,
    train: facts("train"),
    validation: facts("validation"),
    test: facts("test"),
  };
  await writeAtomic(disk, join(folder, "tokens.json"), JSON.stringify(made));
  return made;
}

async function opened(
  disk: Disk,
  folder: string,
  { index, rule }: { index: Index; rule: DataRule },
): Promise<TokenData> {
  const ranges = await disk.openRanges(join(folder, fileOf("train")));
  const train = { ...index.train, tokens: new TokenFile(ranges, index.train.tokens, index.bytesPerToken) };
  const held = async (name: PartName): Promise<Part> => {
    const file = await disk.openRanges(join(folder, fileOf(name))), { tokens, ...rest } = index[name];
    try {
      return { ...rest, tokens: new TokenFile(file, tokens, index.bytesPerToken).subarray(0, tokens) };
    } finally {
      file.close();
    }
  };
  try {
    const validation = await held("validation"), test = hasTest(rule) ? await held("test") : undefined;
    const found = { train, validation, ...(test ? { test } : {}) };
    for (const [name, one] of Object.entries(found)) {
      requireLength(name as PartName, one, { T: rule.sequenceLength, pieces: one.starts.length });
    }
    return { ...found, close: () => ranges.close() };
  } catch (error) {
    ranges.close();
    throw error;
  }
}
