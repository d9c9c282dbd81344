/**
 * Merges metrics logs: the lines of each cell, cell after cell, with a mapping from positions in the old logs to the new one.
 */
import { join } from "node:path";
import { type Disk, type LogPosition, parseLog, sha256 } from "../../disk/mod.ts";
import { FILES } from "../../record/mod.ts";
import type { FoundCell } from "./sources.ts";

const NEWLINE = 0x0a;

/** A log and its lines. */
interface ReadLog {
  readonly bytes: Uint8Array;
  /** Start and end of each whole line (bytes, including the newline), and the cell that it belongs to. */
  readonly lines: readonly { readonly start: number; readonly end: number; readonly owner: string }[];
}

const ownerOf = (arm: unknown, seed: unknown) => JSON.stringify([arm, seed]);

async function readLines(disk: Disk, path: string): Promise<ReadLog> {
  const bytes = await disk.stat(path) ? await disk.read(path) : new Uint8Array();
  let start = 0;
  const lines = parseLog(bytes, path).map(({ arm, seed }) => {
    const line = { start, end: bytes.indexOf(NEWLINE, start) + 1, owner: ownerOf(arm, seed) };
    start = line.end;
    return line;
  });
  return { bytes, lines };
}

/** The merged log, and a function that converts a position in a cell's own log. */
export interface MergedLog {
  readonly bytes: Uint8Array;
  positionOf(found: FoundCell, old: LogPosition): LogPosition;
}

/** Puts the lines of the cells one after another, as one process that runs these cells would have written them. */
export async function mergeLogs(disk: Disk, cells: readonly FoundCell[]): Promise<MergedLog> {
  const logs = new Map<string, ReadLog>(), parts: Uint8Array[] = [], starts = new Map<FoundCell, number>();
  let length = 0;
  const linesOf = ({ cell: { arm, seed }, source: { folder } }: FoundCell) =>
    (logs.get(folder)?.lines ?? []).filter(({ owner }) => owner === ownerOf(arm.name, seed));
  for (const found of cells) {
    const { folder } = found.source, log = logs.get(folder) ?? await readLines(disk, join(folder, FILES.metrics));
    logs.set(folder, log);
    starts.set(found, length);
    for (const { start, end } of linesOf(found)) {
      parts.push(log.bytes.subarray(start, end));
      length += end - start;
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const positionOf = (found: FoundCell, old: LogPosition): LogPosition => {
    const before = linesOf(found).filter(({ end }) => end <= old.bytes);
    const end = before.reduce((sum, { start, end }) => sum + end - start, starts.get(found) ?? 0);
    return { bytes: end, sha256: sha256(bytes.subarray(0, end)) };
  };
  return { bytes, positionOf };
}
