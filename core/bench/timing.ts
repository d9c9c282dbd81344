/** Timing of programs. Many replays in a row make the clock's resolution and the wait for the device negligible. */
import type { HostTimes, Program } from "../plan/mod.ts";
import { at } from "../lists.ts";

/** Seconds per replay. */
export interface Timing {
  readonly best: number;
  readonly median: number;
  /** The first replay. Some drivers compile only then. */
  readonly first: number;
  /** Mean times of the host over the timed replays; absent where the host itself computes. */
  readonly host?: { readonly encode: number; readonly wait: number; readonly mean: number };
}

/** Shortest time of a run of replays (s). */
const LEAST_SECONDS = 0.3;

/** Seconds per replay, over `count` replays and the wait for the last one. The plan needs at least one metric. */
async function timed(program: Program, count: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) await program.run();
  await program.drainMetrics();
  return (performance.now() - start) / 1000 / count;
}

/** Best and median of `runs` runs after a warm-up of two replays. */
export async function time(program: Program, { runs }: { runs: number }): Promise<Timing> {
  const first = await timed(program, 1);
  const count = Math.max(1, Math.ceil(LEAST_SECONDS / await timed(program, 1)));
  const before = program.hostTimes, seconds: number[] = [];
  for (let run = 0; run < runs; run++) seconds.push(await timed(program, count));
  const host = hostShare(before, program.hostTimes), mean = seconds.reduce((sum, each) => sum + each, 0) / runs;
  seconds.sort((a, b) => a - b);
  const middle = Math.floor(runs / 2), upper = at(seconds, middle);
  const median = runs % 2 === 1 ? upper : (at(seconds, middle - 1) + upper) / 2;
  return { best: at(seconds, 0), median, first, ...(host && { host: { ...host, mean } }) };
}

/** The host's seconds per run, from two readings of its counters. */
function hostShare(before: HostTimes | undefined, after: HostTimes | undefined) {
  if (!before || !after) return undefined;
  const runs = after.runs - before.runs;
  return { encode: (after.encode - before.encode) / runs, wait: (after.wait - before.wait) / runs };
}

/** Seconds of the kernels of one replay by the device's clock, without the gaps between them. Undefined without such a clock. */
export async function deviceSeconds(program: Program): Promise<number | undefined> {
  const profile = await program.profile?.();
  return profile?.clock === "device" ? profile.spans.reduce((sum, { start, end }) => sum + end - start, 0) : undefined;
}

/** The best of `runs` replays (s). It counts only the kernels if the device can time them, else the whole replay. */
export async function kernelTime(program: Program, { runs }: { runs: number }): Promise<number> {
  await timed(program, 1);
  let least = Infinity;
  for (let run = 0; run < runs; run++) {
    const seconds = await deviceSeconds(program);
    if (seconds === undefined) return (await time(program, { runs })).best;
    least = Math.min(least, seconds);
  }
  return least;
}
