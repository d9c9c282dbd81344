/** Timing of programs: replays enough of them in a row that the clock and one wait for the device do not matter. */
import type { Program } from "../../plan/mod.ts";

/** Seconds of one replay. */
export interface Timing {
  readonly best: number;
  readonly median: number;
}

/** Shortest run of replays worth timing, in seconds. */
const LEAST_SECONDS = 0.3;

/** Seconds of one replay, over `count` replays and the wait for the last of them. The plan needs at least one metric. */
async function timed(program: Program, count: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) await program.run();
  await program.drainMetrics();
  return (performance.now() - start) / 1000 / count;
}

/** Best and median of `runs` runs after a warm-up of two replays. */
export async function time(program: Program, { runs }: { runs: number }): Promise<Timing> {
  await timed(program, 1);
  const count = Math.max(1, Math.ceil(LEAST_SECONDS / await timed(program, 1)));
  const seconds: number[] = [];
  for (let run = 0; run < runs; run++) seconds.push(await timed(program, count));
  seconds.sort((a, b) => a - b);
  const middle = Math.floor(runs / 2), upper = seconds[middle]!;
  return { best: seconds[0]!, median: runs % 2 === 1 ? upper : (seconds[middle - 1]! + upper) / 2 };
}
