import { dirname } from "../system/path.ts";
import { counted, HymbaError } from "../errors.ts";
import type { Disk } from "./disk.ts";
import { writeAt } from "./files.ts";
import { type Digest, type RunningHash, startSha256 } from "./hash.ts";

/** A position in a log: the number of bytes before it, and their SHA-256. Checkpoints store it. */
export type LogPosition = Digest;

/** The position of an empty log. */
export const LOG_START: LogPosition = {
  bytes: 0,
  sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};

const NEWLINE = 0x0a;

/**
 * An append-only file with one JSON object per line: `metrics.jsonl`. Lines that were appended before `sync` returned survive a
 * power loss. Await each call before the next one.
 */
export class MetricsLog {
  #torn = false;

  private constructor(
    private readonly disk: Disk,
    /** The file. */
    readonly path: string,
    private length: number,
    private readonly hash: RunningHash,
  ) {}

  /**
   * Opens or creates a log and truncates it to `position`, which comes from a checkpoint. Without `position` it keeps all
   * complete lines. Throws a HymbaError when the bytes before `position` have another SHA-256.
   */
  static async open(disk: Disk, path: string, { position }: { position?: LogPosition } = {}): Promise<MetricsLog> {
    const content = await disk.stat(path) ? await disk.read(path) : new Uint8Array();
    const length = position?.bytes ?? content.lastIndexOf(NEWLINE) + 1;
    const kept = content.subarray(0, length);
    const hash = startSha256().update(kept);
    if (position && (kept.length < length || hash.copy().digest("hex") !== position.sha256)) {
      throw new HymbaError(`${path} is not the log that the checkpoint belongs to`, {
        expected: `its first ${counted(position.bytes, "byte")} with SHA-256 ${position.sha256}`,
        got: counted(content.length, "byte"),
        hint: "restore the file, or start again in another folder",
      });
    }
    await disk.truncate(path, length);
    await disk.syncFolder(dirname(path));
    return new MetricsLog(disk, path, length, hash);
  }

  /** The position of the next line. */
  get position(): LogPosition {
    return { bytes: this.length, sha256: this.hash.copy().digest("hex") };
  }

  /** Appends one line. NaN and infinity become null, because JSON does not have them. An error leaves the log unchanged. */
  async append(record: Readonly<Record<string, unknown>>): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    if (this.#torn) await this.disk.truncate(this.path, this.length);
    this.#torn = true;
    await writeAt(this.disk, this.path, { bytes, offset: this.length });
    this.#torn = false;
    this.length += bytes.length;
    this.hash.update(bytes);
  }

  /** Syncs all appended lines to the disk. Returns the end of the log, for the checkpoint. */
  async sync(): Promise<LogPosition> {
    await this.disk.syncFile(this.path);
    return this.position;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The longest line that is read (bytes): a thousand times the longest that this program writes. */
export const MAX_LINE_BYTES = 2 ** 20;

/** The JSON object of a line; undefined for anything else. */
function parseLine(line: Uint8Array): Record<string, unknown> | undefined {
  if (line.length > MAX_LINE_BYTES) return undefined;
  try {
    const value: unknown = JSON.parse(utf8.decode(line));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Not UTF-8 or not JSON. The caller's error has the number of the line.
  }
  return undefined;
}

/**
 * All objects of a log. An incomplete last line is ignored. Throws a HymbaError with file and line when a line is not a JSON
 * object, not UTF-8, or longer than 1 MiB.
 */
export function parseLog(content: Uint8Array, path: string): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = [];
  for (
    let start = 0, end = content.indexOf(NEWLINE);
    end >= 0;
    start = end + 1, end = content.indexOf(NEWLINE, start)
  ) {
    const found = parseLine(content.subarray(start, end));
    if (!found) {
      throw new HymbaError(
        `${path}, line ${records.length + 1}: not a JSON object of at most ${MAX_LINE_BYTES} bytes`,
        {
          hint: "the file is damaged; remove the line, or the run folder",
        },
      );
    }
    records.push(found);
  }
  return records;
}

/** All objects of a log file. Throws like {@link parseLog}. */
export async function readLog(disk: Disk, path: string): Promise<Record<string, unknown>[]> {
  return parseLog(await disk.read(path), path);
}
