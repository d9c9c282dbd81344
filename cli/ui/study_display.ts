/** The progress of a study, on the terminal or as messages to the process that started this one. */
import type { StudyEvent } from "../../core/study/arm_run.ts";
import { isJob, sendMessage } from "./job.ts";
import type { Piece, TimeLeft } from "../../core/study/time_left.ts";
import { bytes, Progress } from "./progress.ts";
import { settings } from "./settings.ts";
import { leftInWords, StudyFollower } from "./study_follower.ts";

export class StudyDisplay {
  readonly #progress = new Progress();
  readonly #isJob = isJob();
  /** Seconds in which the program was loaded. */
  readonly load_s = performance.now() / 1000;
  #label = "";
  #study: StudyFollower | undefined;
  #pieces: readonly Piece[] = [];

  say(line: string): void {
    if (this.#isJob) sendMessage({ say: line });
    else this.#progress.say(line);
  }

  /** Starts the display of several cells. `share`: the share of their flops that is done, from 0 to 1. */
  beginCells(share: number): void {
    this.#label = "";
    this.#progress.begin("cells (%)", { done: Math.floor(100 * share) });
  }

  /** Shows the common progress of several cells. */
  showCells(
    { share, finished, all, running, left }: {
      share: number;
      finished: number;
      all: number;
      running: number;
      left?: TimeLeft;
    },
  ): void {
    const percent = Math.floor(100 * share), details = { finished: `${finished}/${all}`, running };
    this.#progress.update(percent, 100, { details, ...(left && { left: leftInWords(left.interval) }) });
  }

  /** Follows a whole study: from now on the progress shows the current model and the remaining time of the study. */
  follow(pieces: readonly Piece[]): void {
    this.#pieces = pieces;
    this.#study = new StudyFollower(pieces);
  }

  /** The parts of the study that is followed; none if the times of its parts could not be guessed. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** The work after all trainings. */
  beginEnd(stage: "speeds" | "files"): void {
    this.#beginEnd(stage);
    this.say(
      stage === "speeds"
        ? "measuring speeds: every model in turn, nine rounds"
        : "drawing figures, writing tables and pages",
    );
  }

  #beginEnd(stage: "test" | "speeds" | "files"): void {
    this.#study?.begin({ arm: "", seed: 0, stage }, 0);
  }

  /** Shows an event of a study: progress of a step, or a line for anything else. */
  show(event: StudyEvent): void {
    if (this.#isJob) return sendMessage({ event });
    const { kind, arm, seed, stage, step, steps, loss = NaN, tokens_per_s = NaN, memory, message = "" } = event;
    const label = `${arm} seed ${seed} ${stage ?? ""}`;
    if (kind === "step") {
      const found = this.#study?.see({ arm, seed, stage: stage ?? "" }, { step, steps });
      if (found?.resumed) this.say(found.resumed);
      if (label !== this.#label) {
        this.#label = label;
        this.#progress.begin(label, { done: step });
      }
      const place = found && { model: found.place };
      const details = { ...place, loss: loss.toFixed(3), "tokens/s": Math.round(tokens_per_s) };
      this.#progress.update(step, steps, { details, ...(found && { left: found.left }) });
    } else if (kind === "evaluation") {
      this.say(`${label}: step ${step}, validation loss ${loss.toFixed(4)}, perplexity ${Math.exp(loss).toFixed(1)}`);
    } else if (kind === "sampling") this.say(`${label}: sampling rejected continuations`);
    else if (kind === "memory" && memory && settings().verbose) {
      const [fixed, allocated, least] = [memory.arenaBytes, memory.slotBytes, memory.peakBytes].map(bytes);
      this.say(`${label}: ${fixed} parameters and moments, ${allocated} activations (at least ${least})`);
    } else if (kind === "speeds") this.beginEnd("speeds");
    else if (kind === "test") {
      this.#beginEnd("test");
      this.say(`${arm} seed ${seed}: reading the test part`);
    } else if (kind === "failed") console.error(message);
    else if (kind === "text") this.say(message);
  }
}
