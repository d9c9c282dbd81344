/** Runs groups of cells in parallel processes. A killed process is started again and continues from its checkpoint. */
import { HymbaError, Interrupted } from "../../core/errors.ts";
import type { Cell } from "../../core/study/cells.ts";
import { passesSignals, thisPlatform } from "../../core/system/mod.ts";
import { messageIn, startJob } from "../ui/job.ts";
import type { StudyDisplay } from "../ui/study_display.ts";
import type { JobProgress } from "./job_progress.ts";

export interface Pool {
  /** Most processes at one time. */
  readonly jobs: number;
  /** The command line of such a process, without its cells. */
  readonly words: readonly string[];
  readonly display: StudyDisplay;
  readonly progress: JobProgress;
  /** When it aborts, every process saves and ends. */
  readonly signal: AbortSignal;
}

/** Most restarts of the process of one group after kills. */
const MOST_RESTARTS = 3;

const namesOf = (group: readonly Cell[]): string => group.map(({ index }) => index).join(",");
const inWords = (group: readonly Cell[]): string => `cell${group.length === 1 ? "" : "s"} ${namesOf(group)}`;

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** Whether standard output has the result of the cells: they ended, but some may have diverged. */
function hasResult(out: string): boolean {
  try {
    return Array.isArray(JSON.parse(out).cells);
  } catch {
    return false;
  }
}

class Runner {
  readonly #children = new Set<Deno.ChildProcess>();
  readonly #said = new Set<string>();
  #failure: HymbaError | undefined;

  constructor(private readonly pool: Pool) {}

  get #stopping(): boolean {
    return this.pool.signal.aborted || this.#failure !== undefined;
  }

  /** Asks every process to save and to end. */
  stop(): void {
    for (const child of this.#children) {
      try {
        child.kill(passesSignals(thisPlatform) ? "SIGTERM" : "SIGKILL");
      } catch (cause) {
        if (!(cause instanceof TypeError)) throw cause; // it has just ended by itself
      }
    }
  }

  /** Takes groups from the list until it is empty. */
  async work(waiting: (readonly Cell[])[]): Promise<void> {
    for (let group = waiting.shift(); group && !this.#stopping; group = waiting.shift()) {
      try {
        await this.#run(group);
      } catch (error) {
        if (!(error instanceof HymbaError)) throw error;
        this.#failure ??= error;
        this.stop();
      }
    }
  }

  end(): void {
    if (this.pool.signal.aborted) throw new Interrupted("stopped; every cell has saved its state");
    if (this.#failure) throw this.#failure;
  }

  async #run(group: readonly Cell[]): Promise<void> {
    const { display, progress } = this.pool;
    for (let restarts = 0;; restarts++) {
      const { code, signal, out, errors } = await this.#once(group);
      if (code === 0 || hasResult(out)) return progress.finish(group);
      if (this.#stopping) return;
      if (signal === null) throw failureOf(group, { code, errors });
      if (restarts === MOST_RESTARTS) {
        throw new HymbaError(`the process of ${inWords(group)} was killed ${restarts + 1} times (${signal})`, {
          hint: "was there enough memory? Give the same command again with fewer --jobs",
        });
      }
      display.say(
        `the process of ${inWords(group)} was killed (${signal}): starting it again from its last checkpoint`,
      );
    }
  }

  /** One process until its end. */
  async #once(group: readonly Cell[]): Promise<Deno.CommandStatus & { out: string; errors: string }> {
    const { words, progress } = this.pool, child = await startJob([...words, "--cell", namesOf(group)]);
    this.#children.add(child);
    progress.start(group);
    // It may have been started while the others were being stopped.
    if (this.#stopping) this.stop();
    try {
      const [out, errors] = await Promise.all([new Response(child.stdout).text(), this.#listen(child.stderr)]);
      return { ...await child.status, out, errors };
    } finally {
      this.#children.delete(child);
      progress.end();
    }
  }

  /** Passes on the messages of a process. Returns all other lines. */
  async #listen(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
    const errors: string[] = [];
    for await (const line of linesOf(stream)) {
      const told = messageIn(line);
      if (!told) errors.push(line);
      else if ("event" in told) this.pool.progress.take(told.event);
      else if (/^(warning|note):/.test(told.say) && !this.#said.has(told.say)) {
        this.#said.add(told.say);
        this.pool.display.say(told.say);
      }
    }
    return errors.join("\n").trim();
  }
}

const failureOf = (group: readonly Cell[], { code, errors }: { code: number; errors: string }): HymbaError =>
  new HymbaError(`${inWords(group)} failed with exit code ${code}`, {
    got: errors.replace(/^hymba: /, "").replaceAll("\n", "\n            ") || "no message",
    hint: "fix this, and repeat the same command; finished work is kept",
  });

/** Runs all groups in order. Throws Interrupted when the signal aborts, and a HymbaError when a process fails. */
export async function runGroups(groups: readonly (readonly Cell[])[], pool: Pool): Promise<void> {
  const runner = new Runner(pool), waiting = [...groups], stop = () => runner.stop();
  pool.signal.addEventListener("abort", stop);
  try {
    await Promise.all(Array.from({ length: Math.min(pool.jobs, groups.length) }, () => runner.work(waiting)));
  } finally {
    pool.signal.removeEventListener("abort", stop);
  }
  runner.end();
}
