/** What a study shows while it runs. */
import type { StudyEvent } from "../../core/study/arm_run.ts";
import { bytes, Progress } from "./progress.ts";

export class StudyDisplay {
  readonly #progress = new Progress();
  #label = "";

  say(line: string): void {
    this.#progress.say(line);
  }

  show(event: StudyEvent): void {
    const { kind, arm, seed, stage, step, steps, loss, tokens_per_s, memory, message } = event;
    const label = `${arm} seed ${seed} ${stage ?? ""}`;
    if (label !== this.#label && kind === "step") {
      this.#label = label;
      this.#progress.begin(label, { done: step });
    }
    if (kind === "step") {
      this.#progress.update(step, steps, {
        details: { loss: loss!.toFixed(3), "tokens/s": Math.round(tokens_per_s!) },
      });
    } else if (kind === "evaluation") {
      this.say(`${label}: step ${step}, validation loss ${loss!.toFixed(4)}, perplexity ${Math.exp(loss!).toFixed(1)}`);
    } else if (kind === "sampling") this.say(`${label}: sampling rejected continuations`);
    else if (kind === "memory") {
      this.say(
        `${label}: ${bytes(memory!.arenaBytes)} parameters and moments, ${
          bytes(memory!.slotBytes)
        } activations (at least ${bytes(memory!.peakBytes)})`,
      );
    } else if (kind === "speeds") this.say("measuring speeds: every model in turn, nine rounds");
    else if (kind === "failed") this.say(message!);
  }
}
