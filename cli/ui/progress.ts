/** Progress of long work: one line that is rewritten on a terminal; elsewhere a `key=value` line every 5 % or minute. */
import { settings } from "./settings.ts";
import { escaped, terminalColumns } from "./terminal.ts";

/** A length of time as text: `8 s`, `3 min`, `1 h 20 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Steps are reported in groups. Steps that are reported within this time after the start (s) were done before it, so the
 * estimate of the remaining time ignores them.
 */
const FIRST_GROUP = 0.2;
const BAR = 24, SHORTEST_BAR = 6, MINUTE = 60_000;
const encoder = new TextEncoder();

/** A line with label, bar and rest that fits the terminal, because a wrapped line could not be overwritten. The bar shrinks first. */
export function barLine(
  label: string,
  { share, rest, columns }: { share: number; rest: string; columns: number },
): string {
  const room = Math.min(BAR, columns - 2 - label.length - rest.length), filled = Math.round(share * room);
  const bar = room < SHORTEST_BAR ? "" : ` ${"█".repeat(filled)}${"░".repeat(room - filled)}`;
  return `${label}${bar}${rest}`.slice(0, columns - 1);
}

/** One progress bar at a time, on standard error. Standard output is for results. */
export class Progress {
  readonly #terminal = Deno.stderr.isTerminal();
  #label = "";
  #start = 0;
  #from = 0;
  #lastShown = -1;
  #lastTime = 0;
  /** Whether a bar is on the last line of the terminal. */
  #open = false;

  /** Starts new work. `done`: the part that is already done, which the estimate of the remaining time ignores. */
  begin(label: string, { done = 0 }: { done?: number } = {}): void {
    this.clear();
    this.#label = escaped(label);
    this.#start = performance.now();
    this.#from = done;
    this.#lastShown = -1;
    this.#lastTime = 0;
  }

  /** Shows how much is done. `left`: the remaining time in words. Default: estimated from the speed of this bar. */
  update(
    done: number,
    total: number,
    { details = {}, left }: { details?: Readonly<Record<string, string | number>>; left?: string } = {},
  ): void {
    if (!settings().progress) return;
    const share = done / total, now = performance.now(), elapsed = (now - this.#start) / 1000;
    if (elapsed < FIRST_GROUP) this.#from = done;
    const own = done > this.#from && done < total
      ? `${duration(elapsed / (done - this.#from) * (total - done))} left`
      : undefined;
    const words = Object.entries(details).map(([key, value]) => escaped(`${key}=${value}`)), time = left ?? own;
    if (this.#terminal) {
      if (now - this.#lastTime < 100 && done < total) return;
      this.#lastTime = now;
      const rest = ` ${done}/${total} ${words.join(" ")}${time ? ` ${time}` : ""}`;
      this.#write(`\r\x1b[2K${barLine(this.#label, { share, rest, columns: terminalColumns() })}`);
      this.#open = true;
      if (done >= total) this.#end();
    } else if (Math.floor(share * 20) > this.#lastShown || now - this.#lastTime > MINUTE) {
      this.#lastShown = Math.floor(share * 20);
      this.#lastTime = now;
      this.#write(
        `${this.#label} done=${done}/${total} ${words.join(" ")}${
          time ? ` left="${time.replace(/ left$/, "")}"` : ""
        }\n`,
      );
    }
  }

  /** Ends the line of a full bar, so that the next output starts on a new line. */
  #end(): void {
    this.#write("\n");
    this.#open = false;
  }

  /** Prints a line that is not overwritten. */
  say(line: string): void {
    if (settings().quiet) return;
    this.clear();
    this.#write(`${escaped(line)}\n`);
  }

  clear(): void {
    if (this.#open) this.#write("\r\x1b[2K");
    this.#open = false;
  }

  #write(text: string): void {
    Deno.stderr.writeSync(encoder.encode(text));
  }
}

/** Bytes as text, with a binary prefix. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(count, 1)) / 10));
  return `${(count / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
