/**
 * The time left of a study: its interval against recorded times of whole studies, and what it says of parts that are done. Its
 * numbers were chosen with them; promise.ts runs studies that were never recorded.
 * In 22 of them the time of loading was not recorded; it was taken from when the first guess was made.
 */
import assert from "node:assert/strict";
import { at, present } from "../../core/lists.ts";
import { heldOutTokens } from "../../core/study/estimate.ts";
import { type Piece, slownessOf, StudyClock, studyPieces } from "../../core/study/time_left.ts";
import recordings from "./recorded_times.json" with { type: "json" };
import { tinyStudy } from "./tiny_study.ts";

/** A recording: the parts of a study with their guesses, and when which part had done how much of its updates. */
interface Recording {
  /** The command line, after `hymba ablate`. */
  readonly words: string;
  readonly backend: string;
  readonly pieces: readonly (readonly [
    arm: string,
    seed: number,
    stage: string,
    updates_s: number,
    after_s: number,
    steady_s: number,
  ])[];
  /** The last one is the end of the program. */
  readonly events: readonly (readonly [second: number, piece: number, share: number])[];
}

const ALL = recordings as unknown as readonly Recording[];

interface Moment {
  readonly actual: number;
  readonly least: number;
  readonly most: number;
}

/** What was said at each moment of a recording, with the time that was left. The last second is about rounding. */
function said({ pieces, events }: Recording): Moment[] {
  const parts = pieces.map(([arm, seed, stage, updates_s, after_s, steady_s]): Piece => ({
    ...{ arm, seed, stage },
    ...{ updates_s, after_s, steady_s },
  }));
  const end = at(at(events, -1), 0), clock = new StudyClock(parts, 0), all: Moment[] = [];
  let part = 0;
  for (const [second, piece, share] of events.slice(0, -1)) {
    if (piece !== part) clock.end(at(parts, part), second);
    part = piece;
    clock.see(at(parts, piece), share, second);
    const [least, most] = clock.left().interval;
    if (end - second >= 1) all.push({ actual: end - second, least, most });
  }
  return all;
}

const held = ({ actual, least, most }: Moment): boolean => least <= actual && actual <= most;

/** The share of the moments that held, where every recording counts alike. */
function share(of: readonly Recording[]): number {
  const each = of.map((one) => said(one)).filter((moments) => moments.length > 0);
  return each.reduce((sum, moments) => sum + moments.filter(held).length / moments.length, 0) / each.length;
}

/** The median of the upper end divided by the lower end, of what is shown at half time. */
function widthAtHalfTime(of: readonly Recording[]): number {
  const widths = of.map((one) => {
    const all = said(one),
      half = at(all, 0).actual / 2,
      { least, most } = present(all.findLast(({ actual }) => actual >= half), "a moment");
    return most / least;
  });
  return at(widths.toSorted((a, b) => a - b), widths.length >> 1);
}

Deno.test("time left: nine of ten times of the studies on which it was chosen lie in the interval, and it says something", () => {
  const own = ALL.filter(({ backend }) => backend === "cpu"), holds = share(own), width = widthAtHalfTime(own);
  console.log(`${own.length} studies: ${(100 * holds).toFixed(1)} % held, 1 : ${width.toFixed(1)} at half time`);
  assert.ok(own.length >= 24);
  assert.ok(holds >= 0.9, `${holds}`);
  assert.ok(width < 4, `${width}`);
});

Deno.test("time left: a busy machine loads the program slowly, and all guesses follow, within limits", () => {
  assert.deepEqual([0.33, 0.66, 60, 0].map(slownessOf), [1, 2, 8, 0.25]);
  const study = tinyStudy({ arms: ["mamba"] }), held = heldOutTokens(study, { characters: 12_000 });
  const all = (slowness: number) =>
    studyPieces(study, { probe: false, test: false, held, rate: 1e9, speedRounds: 0, slowness })
      .reduce((sum, { updates_s, after_s }) => sum + updates_s + after_s, 0);
  assert.ok(Math.abs(all(4) / all(1) - 4) < 1e-9);
});

Deno.test("time left: what no model has done yet is one uncertainty of all models", () => {
  const parts = (count: number): Piece[] =>
    Array.from(
      { length: count },
      (_, i) => ({ arm: `${i}`, seed: 1, stage: "orpo", updates_s: 10, after_s: 0.1, steady_s: 0 }),
    );
  const width = (count: number) => {
    const { seconds, interval: [, most] } = new StudyClock(parts(count), 0).left();
    return most / seconds;
  };
  assert.ok(width(50) > 1 + 0.8 * (width(1) - 1), `${width(50)} and ${width(1)}`);
});

Deno.test("time left: parts done before do not count as speed, and the share goes from 0 to 1", () => {
  const study = tinyStudy({ arms: ["mamba", "hymba"] }), held = heldOutTokens(study, { characters: 12_000 });
  const pieces = studyPieces(study, { probe: false, test: false, held, rate: 1e9, speedRounds: 0, slowness: 1 });
  assert.deepEqual(pieces.map(({ arm, stage }) => `${arm} ${stage}`), [
    " start",
    ...["mamba pretraining", "mamba orpo", "mamba control"],
    ...["hymba pretraining", "hymba orpo", "hymba control", " files"],
  ]);
  const clock = new StudyClock(pieces, 0), before = clock.left();
  assert.ok(Math.abs(clock.share) < 1e-9);
  clock.skip({ arm: "mamba", seed: 1, stage: "pretraining" });
  const skipped = clock.left();
  assert.ok(skipped.seconds < before.seconds && clock.share > 0);
  clock.see({ arm: "mamba", seed: 1, stage: "orpo" }, 0.5, 1000);
  // Half of these updates took 1000 s, so the rest of the study is expected to take far longer than before.
  assert.ok(clock.left().seconds > 500);
  for (const piece of pieces) clock.end(piece, 2000);
  assert.deepEqual([clock.share, clock.left().seconds, clock.left().interval], [1, 0, [0, 0]]);
});
