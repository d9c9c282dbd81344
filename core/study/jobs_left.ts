/**
 * The remaining time of a study whose cells run in several processes beside each other. As in time_left.ts, measurements replace
 * guesses. Cells that wait start, in their order, where a process is free; what follows all cells is done by one process.
 */
import { at, present } from "../lists.ts";
import { type Known, type Piece, progress, type TimeLeft, Timings, unknownPart } from "./time_left.ts";

type Cell = Pick<Piece, "arm" | "seed">;
type Part = Pick<Piece, "arm" | "seed" | "stage">;

/** A group of cells that one process trains, one after the other. */
interface Group {
  readonly cells: readonly string[];
  /** Until the first update: the program is loaded, and its models are tested. */
  readonly start: Known;
  state: "waiting" | "running" | "done";
  /** When its process last reported something. */
  last: number;
}

const cellOf = ({ arm, seed }: Cell): string => JSON.stringify([arm, seed]);
const partOf = (part: Part): string => JSON.stringify([part.arm, part.seed, part.stage]);

/** The end of the last of several tasks, which start in their order on the first free one of `count` processes. */
function lastEnd(running: readonly number[], waiting: readonly number[], count: number): number {
  const free = [...running, ...Array.from({ length: Math.max(0, count - running.length) }, () => 0)];
  for (const seconds of waiting) {
    const first = free.indexOf(Math.min(...free));
    free[first] = at(free, first) + seconds;
  }
  return Math.max(0, ...free);
}

/** Tracks the progress of the cells. Times are seconds of any monotonic clock. */
export class JobsClock {
  readonly #timings: Timings;
  readonly #known: ReadonlyMap<string, Known>;
  readonly #groups: readonly Group[];
  readonly #parts: readonly Piece[];

  /** `pieces`: of the whole study in one process with all threads. `groups`: what is left, in the order of their starts. */
  constructor(
    pieces: readonly Piece[],
    private readonly how: { readonly groups: readonly (readonly Cell[])[]; readonly jobs: number },
    now: number,
  ) {
    const { groups, jobs } = how, open = new Set(groups.flat().map(cellOf));
    // A process has its share of the threads, so its updates take as many times longer as there are processes.
    this.#parts = pieces.filter((piece) => piece.arm === "" || open.has(cellOf(piece)))
      .map((piece) => piece.arm === "" ? piece : { ...piece, updates_s: jobs * piece.updates_s });
    this.#known = new Map(this.#parts.map((piece) => [partOf(piece), unknownPart(piece)]));
    const start = present(pieces.find(({ stage }) => stage === "start"), "the start of a study");
    this.#groups = groups.map((cells): Group => (
      { cells: cells.map(cellOf), start: unknownPart(start), state: "waiting", last: now }
    ));
    progress(this.#own({ arm: "", seed: 0, stage: "start" }).after, 1, { counted: false });
    const all = [...this.#known.values(), ...this.#groups.map(({ start }) => start)];
    this.#timings = new Timings(all, now);
  }

  #own = (part: Part) => present(this.#known.get(partOf(part)), "a part of the study");

  #groupOf = (cell: Cell) => this.#groups.find(({ cells }) => cells.includes(cellOf(cell)));

  /** The process of these cells starts, perhaps for the second time. */
  begin(cells: readonly Cell[], now: number): void {
    const [first] = cells, group = first && this.#groupOf(first);
    if (!group) return;
    group.state = "running";
    group.last = now;
  }

  /** Reports the share of the updates of a part. The parts of its cell before it are done. */
  see(part: Part, share: number, now: number): void {
    const group = this.#groupOf(part), known = this.#known.get(partOf(part));
    if (!group || !known) return;
    const isFirst = group.start.after.done < 1, before = this.#before(part);
    // The first report comes after some updates, so the time until then is not that of the start alone.
    if (!isFirst) this.#spend(before.findLast(({ after }) => after.done < 1), { known, share, from: group.last, now });
    group.last = now;
    progress(group.start.after, 1, { counted: false });
    for (const { updates, after } of before) {
      for (const one of [updates, after]) progress(one, 1, { counted: !isFirst });
    }
    // What a checkpoint had done before this process was not measured.
    progress(known.updates, share, { counted: !isFirst });
  }

  /** The time since the last report was spent on the end of the part before, and on these updates: in proportion to the guesses. */
  #spend(
    before: Known | undefined,
    { known: { updates }, share, from, now }: { known: Known; share: number; from: number; now: number },
  ): void {
    const end = before?.after.guess ?? 0, own = updates.guess * Math.max(0, share - updates.done), all = end + own;
    const middle = all > 0 ? from + (now - from) * end / all : from;
    if (before) this.#timings.spend(before.after, { from, now: middle });
    this.#timings.spend(updates, { from: middle, now });
  }

  /** The parts of the same process that come before a part. */
  #before(part: Part) {
    const { cells } = present(this.#groupOf(part), "the process of a part"), place = cells.indexOf(cellOf(part));
    const found = this.#parts.filter((one) => {
      const cell = cells.indexOf(cellOf(one));
      return cell >= 0 && (cell < place || cell === place && this.#parts.indexOf(one) < this.#indexOf(part));
    });
    return found.map(this.#own);
  }

  #indexOf = (part: Part) => this.#parts.findIndex((one) => partOf(one) === partOf(part));

  /** All of these cells have ended, or failed. */
  finish(cells: readonly Cell[], now: number): void {
    for (const cell of cells) {
      const group = this.#groupOf(cell);
      if (group) Object.assign(group, { state: "done", last: now });
      for (const piece of this.#parts.filter((one) => cellOf(one) === cellOf(cell))) {
        const { updates, after } = this.#own(piece);
        for (const one of [updates, after]) progress(one, 1, { counted: false });
      }
    }
  }

  /** The remaining time, from all measurements so far, with its 90 % interval. */
  left(): TimeLeft {
    const { rest, interval } = this.#timings.expected();
    const restOf = ({ cells, start }: Group) => {
      const own = this.#parts.filter((piece) => piece.arm !== "" && cells.includes(cellOf(piece))).map(this.#own);
      return [...own, start].reduce((sum, known) => sum + rest(known), 0);
    };
    const of = (state: Group["state"]) => this.#groups.filter((group) => group.state === state).map(restOf);
    const after = this.#parts.filter(({ arm }) => arm === "").reduce((sum, piece) => sum + rest(this.#own(piece)), 0);
    return interval(lastEnd(of("running"), of("waiting"), this.how.jobs) + after);
  }
}
