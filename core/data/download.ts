/** Downloads of files whose size and SHA-256 are known. */
import { dirname } from "node:path";
import { type Disk, sha256, temporaryName, writeAt } from "../disk/mod.ts";
import { counted, HymbaError } from "../errors.ts";

/** A file to download. */
export interface Download {
  url: string;
  /** The target path. Its folder has to exist. */
  path: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** Timeouts and progress of a download. */
export interface DownloadOptions {
  /** Longest wait for the server's answer (ms). */
  connectTimeout?: number;
  /** Longest pause in the content (ms). */
  stallTimeout?: number;
  onProgress?: (message: string) => void;
}

const ATTEMPTS = 3;
/** Number of progress messages per file. */
const REPORTS = 10;

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** A failure that leaves the part that has arrived intact. */
class Interrupted extends HymbaError {}

/** Aborts a request that makes no progress: `expect` has to be called again within `ms`. */
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

/** The innermost cause. The outer ones only say that a request failed. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // The error that shows this reason already has the URL.
  return cause.cause === undefined ? cause.message.replace(/ for url \([^)]*\)/, "") : reasonOf(cause.cause);
}

/** The byte of the file at which the answer starts: `offset`, or 0. Throws a HymbaError for any other answer. */
function startOf(response: Response, { url }: Download, offset: number): number {
  if (response.status === 200) return 0;
  const range = response.headers.get("content-range");
  if (response.status === 206 && range?.startsWith(`bytes ${offset}-`)) return offset;
  throw new HymbaError(`cannot download ${url}`, {
    expected: "status 200 or 206",
    got: `status ${response.status} ${response.statusText}`.trim() + (range ? ` with range ${range}` : ""),
  });
}

/** A running download: the options, and the watchdog that aborts it when it stalls. */
interface Transfer {
  offset: number;
  options: DownloadOptions;
  watchdog: Watchdog;
}

/** Asks the server for the file from byte `offset`. Returns the answer and the byte at which it starts. */
async function request(file: Download, { offset, options: { connectTimeout = 10_000 }, watchdog }: Transfer) {
  watchdog.expect("answer", connectTimeout);
  const headers = new Headers(offset > 0 ? { range: `bytes=${offset}-` } : {});
  // Ranges and lengths count the bytes that are sent, so the answer must not be compressed.
  headers.set("accept-encoding", "identity");
  const response = await fetch(file.url, { headers, signal: watchdog.signal });
  try {
    return { start: startOf(response, file, offset), body: response.body ?? [] };
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
}

/** Downloads the part of the file after its first `offset` bytes into the temporary file. */
async function fetchRest(disk: Disk, file: Download, transfer: Transfer): Promise<void> {
  const { options: { stallTimeout = 30_000, onProgress }, watchdog } = transfer;
  const temporary = temporaryName(file.path), { start, body } = await request(file, transfer);
  await disk.truncate(temporary, start);
  let length = start, reported = -1;
  watchdog.expect("data", stallTimeout);
  for await (const bytes of body) {
    watchdog.expect("data", stallTimeout);
    if (length + bytes.length > file.bytes) {
      throw new HymbaError(`${file.url} is not the expected file`, {
        expected: counted(file.bytes, "byte"),
        got: `at least ${counted(length + bytes.length, "byte")}`,
      });
    }
    await writeAt(disk, temporary, { bytes, offset: length });
    length += bytes.length;
    const report = Math.floor(REPORTS * length / file.bytes);
    if (report > reported) onProgress?.(`downloaded ${megabytes(length)} of ${megabytes(file.bytes)} MB`);
    reported = report;
  }
  if (length < file.bytes) throw new Error(`the connection ended after ${length} of ${counted(file.bytes, "byte")}`);
}

async function attempt(disk: Disk, file: Download, { offset, options }: {
  offset: number;
  options: DownloadOptions;
}): Promise<void> {
  const watchdog = new Watchdog();
  try {
    await fetchRest(disk, file, { offset, options, watchdog });
  } catch (cause) {
    if (cause instanceof HymbaError) throw cause;
    throw new Interrupted(`cannot download ${file.url}`, {
      got: reasonOf(watchdog.signal.reason ?? cause),
      hint: "check the network and try again; the download continues where it stopped",
      cause,
    });
  } finally {
    watchdog.stop();
  }
}

/** Checks the SHA-256 of the temporary file and gives it its final name. */

async function finish(disk: Disk, { url, path, sha256: expected }: Download): Promise<void> {
  const temporary = temporaryName(path);
  const got = sha256(await disk.read(temporary));
  if (got !== expected) {
    await disk.remove(temporary);
    throw new HymbaError(`${url} is not the expected file`, { expected: `SHA-256 ${expected}`, got });
  }
  await disk.syncFile(temporary);
  await disk.rename(temporary, path);
  await disk.syncFolder(dirname(path));
}

/**
 * Downloads a file. A partial download of an earlier run is continued. After a lost connection it tries again while there is
 * progress. The file gets its final name only when its SHA-256 is right. Throws a HymbaError.
 */
export async function download(disk: Disk, file: Download, options: DownloadOptions = {}): Promise<void> {
  const arrived = async () => (await disk.stat(temporaryName(file.path)))?.bytes ?? 0;
  for (let left = ATTEMPTS, offset = await arrived(); offset !== file.bytes;) {
    try {
      // A temporary file that is too long belongs to another version of the file.
      await attempt(disk, file, { offset: offset < file.bytes ? offset : 0, options });
    } catch (error) {
      const now = await arrived();
      if (!(error instanceof Interrupted) || now <= offset || --left === 0) throw error;
      options.onProgress?.(`connection lost after ${megabytes(now)} MB; continuing from there`);
    }
    offset = await arrived();
  }
  await finish(disk, file);
}
