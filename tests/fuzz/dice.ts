import { philox } from "../../core/random.ts";

/** Random choices that depend only on a seed and the number of the input, so that any input can be made again. */
export class Dice {
  #words: Uint32Array = new Uint32Array();
  #at = 0;
  #block = 0;

  constructor(private readonly seed: number, private readonly input: number) {}

  #word(): number {
    if (this.#at === this.#words.length) {
      this.#words = philox([this.#block++, this.input >>> 0, Math.floor(this.input / 2 ** 32), 0], [
        this.seed >>> 0,
        0,
      ]);
      this.#at = 0;
    }
    return this.#words[this.#at++]!;
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.#word() / 2 ** 32 * below);
  }

  /** True once in `times` draws on average. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}
