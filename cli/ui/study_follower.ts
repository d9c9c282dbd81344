/**
 * The progress of a whole study in words: the current model, the share that is done, and the remaining time with its interval.
 */
import { type Piece, StudyClock } from "../../core/study/time_left.ts";
import { duration } from "./progress.ts";

type Part = Pick<Piece, "arm" | "seed" | "stage">;

/** A remaining time as an interval: `2 min to 5 min`, or one time if both ends are written the same. */
export function leftInWords([least, most]: readonly [number, number]): string {
  const from = duration(least), to = duration(most);
  return from === to ? `about ${to} left` : `${from} to ${to} left`;
}

const seconds = () => performance.now() / 1000;

export class StudyFollower {
  readonly #clock: StudyClock;
  readonly #parts: readonly Part[];
  /** Indices of the parts that this process worked on; the first one is its start. */
  readonly #seen = new Set([0]);
  #now = 0;

  constructor(pieces: readonly Piece[], private readonly clockOf: () => number = seconds) {
    this.#parts = pieces;
    this.#clock = new StudyClock(pieces, clockOf());
  }

  /** A part starts, or continues from a share. All parts before it are done. */
  begin(part: Part, share: number): void {
    const at = this.#parts.findIndex(({ arm, seed, stage }) =>
      arm === part.arm && seed === part.seed && stage === part.stage
    );
    if (at < 0 || at === this.#now) return;
    for (const [i, before] of this.#parts.entries()) {
      if (i >= at) break;
      if (this.#seen.has(i) && i >= this.#now) this.#clock.end(before, this.clockOf());
      else if (!this.#seen.has(i)) this.#clock.skip(before);
    }
    if (share > 0) this.#clock.skip(part, share);
    this.#now = at;
    this.#seen.add(at);
  }

  /** Reports a step. `resumed`: a message if this process does not start at the first step of the study. */
  see(part: Part, { step, steps }: { step: number; steps: number }): { place: string; left: string; resumed?: string } {
    const first = this.#seen.size === 1, share = step / steps;
    this.begin(part, first ? share : 0);
    this.#clock.see(part, share, this.clockOf());
    const isResumed = first && (this.#now > 1 || share > 0.5);
    const left = `${Math.floor(100 * this.#clock.share)} % of the study, ${leftInWords(this.#clock.left().interval)}`;
    return { place: this.#place(part), left, ...(isResumed && { resumed: this.#resumed(part, { step, steps }) }) };
  }

  /** The number of the current cell: `3/5`. */
  #place({ arm, seed }: Part): string {
    const cells = [...new Set(this.#parts.flatMap((one) => one.arm ? [`${one.arm} ${one.seed}`] : []))];
    return `${cells.indexOf(`${arm} ${seed}`) + 1}/${cells.length}`;
  }

  #resumed(part: Part, { step, steps }: { step: number; steps: number }): string {
    const of = `${part.arm} seed ${part.seed} ${part.stage}`;
    return `continuing at ${of}, step ${step} of ${steps}; model ${this.#place(part)}, everything before is done`;
  }
}
