/**
 * What a part of `hymba bench all` is. Each part runs in a process of its own and keeps what it has found so far in a file, so that a
 * driver that hangs or crashes costs one part only.
 */
import type { OpenBackend } from "../../backend/mod.ts";
import { type Checked, custom, list, mapOf, number, object, oneOf, optional, readAs, text } from "../../file_schema.ts";
import type { BenchShape } from "../shapes.ts";
import type { Once } from "../once.ts";
import type { Variant } from "./variants.ts";

/**
 * How a part ended. `running`: its process is at work, or was killed. `stopped`: the time was up before everything was measured. `absent`:
 * this program, or this adapter, has nothing to measure.
 */
export const STATES = ["running", "done", "stopped", "failed", "absent"] as const;
export type State = typeof STATES[number];

const cell = text({ max: 4096 });

const table = object({
  title: cell,
  columns: list(cell, { max: 64 }),
  rows: list(list(cell, { max: 64 }), { max: 10_000 }),
  /** A sentence below the table. */
  note: optional(cell),
});

/** A table of a part, for the page. */
export type Table = Checked<typeof table>;

const partFile = object({
  part: cell,
  state: oneOf(STATES),
  /** Time of the part, and the most that it was given. */
  seconds: number({ min: 0 }),
  limit_s: number({ min: 0 }),
  /** Why it failed, or what it left out. */
  message: optional(text({ max: 2 ** 20 })),
  tables: list(table, { max: 64 }),
  /** Measurements by their names. A later call continues with them while the part is not done. */
  measured: optional(mapOf(custom<unknown>(() => true, "a value"), { max: 10_000 })),
});

/** The file of a part. Beside the fields for the page it has `result`, with the names of the program's other JSON. */
export type PartFile = Checked<typeof partFile> & { readonly result?: object };

export const partFileOf = (value: unknown, path: string): PartFile => readAs(partFile, value, path);

/** What a part has found so far. */
export interface Found {
  readonly result: object;
  readonly tables: readonly Table[];
  /** Said beside the tables: what is missing, or what is wrong. */
  readonly message?: string;
}

/** The time until a part should start nothing new. */
export class Clock {
  readonly #end: number;

  constructor(seconds: number) {
    this.#end = performance.now() + 1000 * seconds;
  }

  over(): boolean {
    return performance.now() >= this.#end;
  }

  /** A clock with one of `count` equal shares of the time that is left. */
  share(count: number): Clock {
    return new Clock(Math.max(0, this.#end - performance.now()) / 1000 / count);
  }
}

/** What a part is given. */
export interface PartContext {
  readonly shape: BenchShape;
  /** Updates of each training, and timed runs of each measurement. */
  readonly steps: number;
  readonly runs: number;
  /** The folder of golden cases; absent where none was named. */
  readonly golden?: string;
  /** The file with the predictions of the compiler's model; absent where there is none. */
  readonly predictions?: string;
  /** What was asked for with --adapter. */
  readonly adapter?: string;
  readonly clock: Clock;
  /** Opens the executor. */
  open(variant?: Variant): Promise<OpenBackend>;
  /** The result of a part that ended before; undefined where there is none. */
  earlier(part: string): Promise<unknown>;
  /** Makes a measurement, or takes it from an earlier call that was stopped. The part's file has it as soon as it was made. */
  readonly once: Once;
  /** Writes what the part has so far. Called after each measurement. */
  keep(found: Found): Promise<void>;
}

/** Measures, and returns how many measurements were left out because the time was up. */
export type Part = (context: PartContext) => Promise<number>;

/** This program or this adapter has nothing to measure in a part. The message says what. */
export class Absent extends Error {}

/** Opens the executor, works, and closes it. */
export async function withBackend<T>(
  { open }: PartContext,
  variant: Variant | undefined,
  work: (opened: OpenBackend) => Promise<T>,
): Promise<T> {
  const opened = await open(variant);
  try {
    return await work(opened);
  } finally {
    await opened.executor.close();
  }
}
