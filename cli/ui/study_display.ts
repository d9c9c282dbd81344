/** The progress of a study on the terminal. */
import type { StudyEvent } from "../../core/study/arm_run.ts";
import { bytes, Progress } from "./progress.ts";

export class StudyDisplay {
  readonly #progress = new Progress();
  #label = "";

  say(line: string): void {
    this.#progress.say(line);
  }

  /** Shows an event of a study: progress of a step, or a line for anything else. */
  show(
    { kind, arm, seed, stage, step, steps, loss = NaN, tokens_per_s = NaN, memory, message = "" }: StudyEvent,
  ): void {
    const label = `${arm} seed ${seed} ${stage ?? ""}`;
    if (label !== this.#label && kind === "step") {
      this.#label = label;
      this.#progress.begin(label, { done: step });
    }
    if (kind === "step") {
      this.#progress.update(step, steps, { details: { loss: loss.toFixed(3), "tokens/s": Math.round(tokens_per_s) } });
    } else if (kind === "evaluation") {
      this.say(`${label}: step ${step}, validation loss ${loss.toFixed(4)}, perplexity ${Math.exp(loss).toFixed(1)}`);
    } else if (kind === "sampling") this.say(`${label}: sampling rejected continuations`);
    else if (kind === "memory" && memory) {
      const [fixed, allocated, least] = [memory.arenaBytes, memory.slotBytes, memory.peakBytes].map(bytes);
      this.say(`${label}: ${fixed} parameters and moments, ${allocated} activations (at least ${least})`);
    } else if (kind === "speeds") this.say("measuring speeds: every model in turn, nine rounds");
    else if (kind === "test") this.say(`${arm} seed ${seed}: reading the test part`);
    else if (kind === "failed" || kind === "text") this.say(message);
  }
}
