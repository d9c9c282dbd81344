import { dirname } from "node:path";
import { type Disk, sha256, temporaryName, writeAt } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";

/** A file to fetch, and what it has to be. */
export interface Download {
  url: string;
  /** Where it goes; the folder exists. */
  path: string;
  bytes: number;
  /** Hexadecimal digits. */
  sha256: string;
}

/** How long to wait, and whom to tell. */
export interface DownloadOptions {
  /** Until the server answers (ms). */
  connectTimeout?: number;
  /** Between two pieces of the content (ms). */
  stallTimeout?: number;
  onProgress?: (message: string) => void;
}

const ATTEMPTS = 3;
const REPORTS = 10;

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** A failure after which what has arrived so far is still good. */
class Interrupted extends HymbaError {}

/** Aborts a request when it is not told within `ms` that there is progress. */
class Watchdog {
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  expect(what: string, ms: number): void {
    this.stop();
    this.#timer = setTimeout(() => this.#abort.abort(new Error(`no ${what} for ${ms / 1000} s`)), ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** The innermost cause: the outer ones only say that a fetch failed. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // The message around this one names the address already.
  return cause.cause === undefined ? cause.message.replace(/ for url \([^)]*\)/, "") : reasonOf(cause.cause);
}

/** Throws unless the answer starts at byte `offset` of the file; says where it does start. */
function startOf(response: Response, { url }: Download, offset: number): number {
  if (response.status === 200) return 0;
  const range = response.headers.get("content-range");
  if (response.status === 206 && range?.startsWith(`bytes ${offset}-`)) return offset;
  throw new HymbaError(`cannot fetch ${url}`, {
    expected: "status 200 or 206",
    got: `status ${response.status} ${response.statusText}`.trim() + (range ? ` with range ${range}` : ""),
  });
}

/** Fetches what is missing after the first `offset` bytes of the temporary file. */
async function fetchRest(disk: Disk, file: Download, { offset, options, dog }: {
  offset: number;
  options: DownloadOptions;
  dog: Watchdog;
}): Promise<void> {
  const { connectTimeout = 10_000, stallTimeout = 30_000, onProgress } = options;
  const temporary = temporaryName(file.path);
  dog.expect("answer", connectTimeout);
  const headers = new Headers(offset > 0 ? { range: `bytes=${offset}-` } : {});
  // Ranges and lengths count bytes of what is sent, so it must not be compressed on the way.
  headers.set("accept-encoding", "identity");
  const response = await fetch(file.url, { headers, signal: dog.signal });
  let at: number;
  try {
    at = startOf(response, file, offset);
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  await disk.truncate(temporary, at);
  let told = -1;
  dog.expect("data", stallTimeout);
  for await (const bytes of response.body ?? []) {
    dog.expect("data", stallTimeout);
    if (at + bytes.length > file.bytes) {
      throw new HymbaError(`${file.url} is not the pinned file`, {
        expected: `${file.bytes} bytes`,
        got: `at least ${at + bytes.length} bytes`,
      });
    }
    await writeAt(disk, temporary, { bytes, offset: at });
    at += bytes.length;
    const tenth = Math.floor(REPORTS * at / file.bytes);
    if (tenth > told) onProgress?.(`fetched ${megabytes(at)} of ${megabytes(file.bytes)} MB`);
    told = tenth;
  }
  if (at < file.bytes) throw new Error(`the connection ended after ${at} of ${file.bytes} bytes`);
}

async function attempt(disk: Disk, file: Download, { offset, options }: {
  offset: number;
  options: DownloadOptions;
}): Promise<void> {
  const dog = new Watchdog();
  try {
    await fetchRest(disk, file, { offset, options, dog });
  } catch (cause) {
    if (cause instanceof HymbaError) throw cause;
    throw new Interrupted(`cannot fetch ${file.url}`, {
      got: reasonOf(dog.signal.reason ?? cause),
      hint: "check the network; what has arrived is kept and the next attempt goes on from there",
      cause,
    });
  } finally {
    dog.stop();
  }
}

async function finish(disk: Disk, { url, path, sha256: expected }: Download): Promise<void> {
  const temporary = temporaryName(path);
  const got = sha256(await disk.read(temporary));
  if (got !== expected) {
    await disk.remove(temporary);
    throw new HymbaError(`${url} is not the pinned file`, { expected: `SHA-256 ${expected}`, got });
  }
  await disk.syncFile(temporary);
  await disk.rename(temporary, path);
  await disk.syncFolder(dirname(path));
}

/**
 * Fetches a pinned file. A partial download of an earlier run is continued, a connection that breaks is taken up again
 * while it makes progress, and the file appears under its name only when its SHA-256 is right. Throws a HymbaError.
 */
export async function download(disk: Disk, file: Download, options: DownloadOptions = {}): Promise<void> {
  const arrived = async () => (await disk.stat(temporaryName(file.path)))?.bytes ?? 0;
  for (let left = ATTEMPTS, offset = await arrived(); offset !== file.bytes;) {
    try {
      // A temporary that is longer than the file was made for another one.
      await attempt(disk, file, { offset: offset < file.bytes ? offset : 0, options });
    } catch (error) {
      const now = await arrived();
      if (!(error instanceof Interrupted) || now <= offset || --left === 0) throw error;
      options.onProgress?.(`connection lost after ${megabytes(now)} MB; going on from there`);
    }
    offset = await arrived();
  }
  await finish(disk, file);
}
