/** Progress of long work: one line that moves on a terminal, a `key=value` line every 5 % or minute elsewhere. */
import { defused } from "./terminal.ts";

/** Seconds as a person says them: `8 s`, `3 min`, `1 h 20 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Seconds. Steps are told in groups, and those that come together with the first one took their time before it. */
const AT_ONCE = 0.2;
const BAR = 24, SHORTEST_BAR = 6, MINUTE = 60_000;
const encoder = new TextEncoder();

/** Width of the terminal. */
function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80; // not every terminal says
  }
}

/** Label, bar and the rest on one line of a terminal: a line that wraps could not be written over. The bar gives way first. */
export function barLine(
  label: string,
  { share, rest, columns }: { share: number; rest: string; columns: number },
): string {
  const room = Math.min(BAR, columns - 2 - label.length - rest.length), filled = Math.round(share * room);
  const bar = room < SHORTEST_BAR ? "" : ` ${"█".repeat(filled)}${"░".repeat(room - filled)}`;
  return `${label}${bar}${rest}`.slice(0, columns - 1);
}

/** One bar at a time, on standard error, so that standard output stays free for results. */
export class Progress {
  readonly #terminal = Deno.stderr.isTerminal();
  #label = "";
  #start = 0;
  #from = 0;
  #lastShown = -1;
  #lastTime = 0;

  /** Begins another piece of work. `done`: how much of it is done at this moment; the time left is told from what follows. */
  begin(label: string, { done = 0 }: { done?: number } = {}): void {
    this.clear();
    [this.#label, this.#start, this.#from] = [defused(label), performance.now(), done];
    [this.#lastShown, this.#lastTime] = [-1, 0];
  }

  update(
    done: number,
    total: number,
    { details = {} }: { details?: Readonly<Record<string, string | number>> } = {},
  ): void {
    const share = done / total, now = performance.now(), elapsed = (now - this.#start) / 1000;
    if (elapsed < AT_ONCE) this.#from = done;
    const left = done > this.#from && done < total
      ? duration(elapsed / (done - this.#from) * (total - done))
      : undefined;
    const words = Object.entries(details).map(([key, value]) => defused(`${key}=${value}`));
    if (this.#terminal) {
      if (now - this.#lastTime < 100 && done < total) return;
      this.#lastTime = now;
      const rest = ` ${done}/${total} ${words.join(" ")}${left ? ` ${left} left` : ""}`;
      this.#write(`\r\x1b[2K${barLine(this.#label, { share, rest, columns: columns() })}`);
    } else if (Math.floor(share * 20) > this.#lastShown || now - this.#lastTime > MINUTE) {
      [this.#lastShown, this.#lastTime] = [Math.floor(share * 20), now];
      this.#write(`${this.#label} done=${done}/${total} ${words.join(" ")}${left ? ` left="${left}"` : ""}\n`);
    }
  }

  /** A line that stays. */
  say(line: string): void {
    this.clear();
    this.#write(`${defused(line)}\n`);
  }

  clear(): void {
    if (this.#terminal) this.#write("\r\x1b[2K");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(encoder.encode(text));
  }
}

/** Bytes as a person says them, in powers of 1024. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(count, 1)) / 10));
  return `${(count / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
