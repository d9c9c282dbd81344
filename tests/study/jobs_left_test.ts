/** The time left of a study whose cells run in processes beside each other, against simulated studies. */
import assert from "node:assert/strict";
import { at, present } from "../../core/lists.ts";
import { uniform } from "../../core/random.ts";
import { JobsClock } from "../../core/study/jobs_left.ts";
import type { Piece } from "../../core/study/time_left.ts";

const MODELS = ["a", "b", "c", "d", "e"], STAGES = ["pretraining", "orpo"];
const whole = (stage: string, after_s: number): Piece => (
  { arm: "", seed: 0, stage, updates_s: 0, after_s, steady_s: 0 }
);
/** With all threads: 40 s of updates for each cell, and 12 s after all cells. */
const PIECES: readonly Piece[] = [
  whole("start", 1),
  ...MODELS.flatMap((arm) =>
    STAGES.map((stage): Piece => ({ arm, seed: 1, stage, updates_s: 20, after_s: 0.5, steady_s: 0 }))
  ),
  whole("speeds", 8),
  whole("files", 4),
];
const CELLS = MODELS.map((arm) => ({ arm, seed: 1 })), GROUPS = CELLS.map((cell) => [cell]), JOBS = 2;
const TAIL = 12, STEPS = 20;

/** An event of a process: a share of a stage, or the end of its cell. */
interface Event {
  readonly time: number;
  readonly arm: string;
  readonly stage?: string;
  readonly share?: number;
}

/** The events of all processes, in the order of their times. `slow`: how many times longer than guessed a model takes. */
function simulated(slow: (arm: string) => number): { events: Event[]; starts: Map<string, number>; end: number } {
  const free = Array.from({ length: JOBS }, () => 0), events: Event[] = [], starts = new Map<string, number>();
  for (const arm of MODELS) {
    const first = free.indexOf(Math.min(...free)), factor = slow(arm);
    let time = at(free, first);
    starts.set(arm, time);
    time += factor;
    for (const stage of STAGES) {
      for (let step = 1; step <= STEPS; step++) {
        time += factor * JOBS * 20 / STEPS;
        events.push({ time, arm, stage, share: step / STEPS });
      }
      time += factor * 0.5;
    }
    events.push({ time, arm });
    free[first] = time;
  }
  return { events: events.toSorted((a, b) => a.time - b.time), starts, end: Math.max(...free) };
}

/** What the clock says after each event, and the time that was really left. */
function said(slow: (arm: string) => number, tail: number) {
  const { events, starts, end } = simulated(slow), clock = new JobsClock(PIECES, { groups: GROUPS, jobs: JOBS }, 0);
  return events.map(({ time, arm, stage, share }) => {
    for (const [name, start] of starts) {
      // A process starts when the one before it has ended.
      if (start < time && starts.delete(name)) clock.begin([{ arm: name, seed: 1 }], start);
    }
    if (stage !== undefined && share !== undefined) clock.see({ arm, seed: 1, stage }, share, time);
    else clock.finish([{ arm, seed: 1 }], time);
    return { time, actual: end - time + tail, ...clock.left() };
  });
}

Deno.test("time left with processes: as guessed, it is the time of the longest process and of what follows", () => {
  const all = said(() => 1, TAIL);
  // Three cells after each other in one process, each with its start.
  assert.ok(Math.abs(at(all, 0).actual - (3 * (1 + 81) - 3 + TAIL)) < 1e-9, `${at(all, 0).actual}`);
  for (const { time, actual, seconds } of all) {
    assert.ok(Math.abs(seconds - actual) < 3, `${time}: ${seconds}, ${actual}`);
  }
});

Deno.test("time left with processes: the last cell runs alone, and its time is not that of two processes", () => {
  const all = said(() => 1, TAIL),
    alone = present(all.findLast(({ actual }) => actual > 80 + TAIL), "an event before the last cell");
  const { time, actual, seconds } = alone;
  const linear = time / 4;
  assert.ok(Math.abs(seconds - actual) < 3 && linear < 0.7 * actual, `${seconds}, ${linear}, ${actual}`);
});

Deno.test("time left with processes: nine of ten times lie in the interval, whatever the machine, and it becomes narrow", () => {
  let count = 0, held = 0;
  for (const [seed, machine] of [0.5, 0.7, 1, 1.5, 2].entries()) {
    const slow = (arm: string) => machine * (0.85 + 0.3 * uniform({ seed, stream: 3, step: 0 }, MODELS.indexOf(arm)));
    for (const { actual, interval: [least, most] } of said(slow, machine * TAIL)) {
      count++;
      if (least <= actual && actual <= most) held++;
      assert.ok(least > 0 && most / least < 12, `${least} to ${most}`);
    }
    const [least, most] = at(said(slow, machine * TAIL), 120).interval;
    assert.ok(most / least < 4, `${least} to ${most}`);
  }
  assert.ok(held / count >= 0.9, `${held} of ${count}`);
});

Deno.test("time left with processes: what a checkpoint had done is not taken for speed", () => {
  const clock = new JobsClock(PIECES, { groups: GROUPS.slice(0, 1), jobs: JOBS }, 0), cell = { arm: "a", seed: 1 };
  clock.begin([cell], 0);
  clock.see({ ...cell, stage: "orpo" }, 0.5, 1);
  const { seconds } = clock.left();
  assert.ok(Math.abs(seconds - (20 + 0.5 + TAIL)) < 4, `${seconds}`);
  clock.finish([cell], 20);
  assert.ok(Math.abs(clock.left().seconds - TAIL) < 4, `${clock.left().seconds}`);
});
