/** The output of decode.ts, and its table. */
import { intervalOf } from "../../../../core/bench/decode.ts";
import { at, mean as meanOf } from "../../../../core/lists.ts";

/** Seconds of a token: by the clock, and of the processor over all threads. */
export interface Taken {
  readonly seconds: number;
  readonly processor: number;
}

/** Both sides on each number of threads, by round. */
export interface DecodePeer {
  readonly model: string;
  readonly parameters: number;
  readonly logits_error: number;
  readonly sides: readonly {
    readonly name: "hymba" | "torch";
    readonly threads: number;
    readonly rounds: readonly Taken[];
  }[];
}

export interface DecodePeers {
  readonly shape: string;
  readonly context: number;
  readonly rounds: number;
  readonly steps: number;
  readonly torch: string;
  readonly blas_core: string;
  readonly models: readonly DecodePeer[];
}

const mean = (rounds: readonly Taken[], of: keyof Taken) => 1000 * meanOf(rounds.map((taken) => taken[of]));

/** The quotient of the rounds of two sides, with its interval. */
function ratio(ours: readonly Taken[], theirs: readonly Taken[], of: keyof Taken): string {
  const { mean, low, high } = intervalOf(ours.map((taken, i) => at(theirs, i)[of] / taken[of]));
  return `${mean.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** A row for each model and number of threads, head first. Each side is compared with PyTorch on as many threads, and with its best. */
export function peerRows({ models }: DecodePeers): string[][] {
  const rows = models.flatMap(({ model, sides }) => {
    const theirs = sides.filter(({ name }) => name === "torch");
    const best = theirs.reduce((a, b) => mean(b.rounds, "seconds") < mean(a.rounds, "seconds") ? b : a);
    return sides.filter(({ name }) => name === "hymba").map(({ threads, rounds }) => {
      const same = theirs.find((other) => other.threads === threads) ?? best;
      return [
        ...[model, `${threads}`, mean(rounds, "seconds").toFixed(3), mean(same.rounds, "seconds").toFixed(3)],
        ...[ratio(rounds, same.rounds, "seconds"), ratio(rounds, best.rounds, "seconds")],
        ...[mean(rounds, "processor").toFixed(3), mean(same.rounds, "processor").toFixed(3)],
        ratio(rounds, same.rounds, "processor"),
      ];
    });
  });
  return [[
    ...["model", "threads", "hymba ms a token", "PyTorch", "times as fast", "as PyTorch on its best number of threads"],
    ...["hymba processor ms", "PyTorch", "times as fast"],
  ], ...rows];
}
