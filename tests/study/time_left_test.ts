/**
 * The time left of a study: its interval against recorded times of whole studies, and what it says of parts that are done. A width
 * that is fitted without one kind of study must hold on that kind; promise.ts runs studies that were never recorded.
 */
import assert from "node:assert/strict";
import { heldOutTokens } from "../../core/study/estimate.ts";
import { type Piece, StudyClock, studyPieces } from "../../core/study/time_left.ts";
import recordings from "./recorded_times.json" with { type: "json" };
import { tinyStudy } from "./tiny_study.ts";

/** A recording: the parts of a study with the seconds that were expected, and when how much of which part was done. */
interface Recording {
  readonly backend: string;
  readonly pieces: readonly (readonly [arm: string, seed: number, stage: string, prior_s: number])[];
  readonly events: readonly (readonly [second: number, arm: string, seed: number, stage: string, share: number])[];
}

const piecesIn = ({ pieces }: Recording): Piece[] =>
  pieces.map(([arm, seed, stage, prior_s]) => ({ arm, seed, stage, prior_s }));

/** What was said at each moment of a recording, with the time that was left. */
function said(recording: Recording) {
  const end = recording.events.at(-1)![0], clock = new StudyClock(piecesIn(recording), 0);
  const all = [{ actual: end, ...clock.left() }];
  for (const [second, arm, seed, stage, share] of recording.events) {
    clock.see({ arm, seed, stage }, share, second);
    if (end - second >= 1) all.push({ actual: end - second, ...clock.left() });
  }
  return all;
}

Deno.test("time left: nine of ten of the times that its width was chosen on lie in the interval, and it says something", () => {
  const all = (recordings as unknown as Recording[]).map((recording) => ({ ...recording, said: said(recording) }));
  assert.ok(all.length >= 40);
  const holds = (of: typeof all) => {
    const each = of.flatMap((one) => one.said);
    return each.filter(({ actual, interval: [low, high] }) => low <= actual && actual <= high).length / each.length;
  };
  const widths = all.flatMap((one) => one.said.map(({ interval: [low, high] }) => high / low)).sort((a, b) => a - b);
  assert.ok(holds(all) >= 0.9, String(holds(all)));
  assert.ok(holds(all.filter(({ backend }) => backend === "cpu")) >= 0.9);
  // Drivers in software spend more on each launch than on arithmetic, which the estimate counts.
  assert.ok(holds(all.filter(({ backend }) => backend === "webgpu")) >= 0.8);
  assert.ok(widths[widths.length >> 1]! < 7, String(widths[widths.length >> 1]));
});

Deno.test("time left: a width fitted to all other kinds of studies holds nine of ten times of a kind that it has not seen", () => {
  const all = (recordings as unknown as Recording[]).map((recording) => ({
    kind: `${recording.backend} ${recording.pieces.length}`,
    // How wide the interval would have to be at each moment, in widths of today's.
    needed: said(recording).map(({ actual, seconds, interval: [, high] }) =>
      Math.abs(Math.log(actual / seconds)) / Math.log(high / seconds)
    ),
  }));
  const kinds = [...new Set(all.map(({ kind }) => kind))];
  assert.ok(kinds.length >= 8, kinds.join());
  /** The width that holds nine of ten times, where every recording counts alike. */
  const fitted = (of: typeof all) => {
    const sorted = of.flatMap(({ needed }) => needed.map((width) => ({ width, weight: 1 / needed.length })))
      .sort((a, b) => a.width - b.width);
    let weight = 0;
    return sorted.find((one) => (weight += one.weight) >= 0.9 * of.length)!.width;
  };
  const held = kinds.flatMap((kind) => {
    const width = fitted(all.filter((one) => one.kind !== kind));
    return all.filter((one) => one.kind === kind)
      .map(({ needed }) => needed.filter((one) => one <= width).length / needed.length);
  });
  const mean = held.reduce((sum, share) => sum + share, 0) / held.length;
  assert.ok(mean >= 0.9, `${mean}`);
  assert.ok(fitted(all) <= 1, "today's width is no narrower than what all recordings ask for");
});

Deno.test("time left: parts done before do not count as speed, and the share goes from 0 to 1", () => {
  const study = tinyStudy({ arms: ["mamba", "hymba"] }), held = heldOutTokens(study, { characters: 12_000 });
  const pieces = studyPieces(study, { probe: false, held, rate: 1e9, speedRounds: 0 });
  assert.deepEqual(pieces.map(({ arm, stage }) => `${arm} ${stage}`), [
    ...["mamba pretraining", "mamba orpo", "mamba control"],
    ...["hymba pretraining", "hymba orpo", "hymba control", " files"],
  ]);
  const clock = new StudyClock(pieces, 0), before = clock.left();
  assert.equal(clock.share, 0);
  clock.skip({ arm: "mamba", seed: 1, stage: "pretraining" });
  assert.ok(clock.left().seconds < before.seconds && clock.share > 0);
  clock.see({ arm: "mamba", seed: 1, stage: "orpo" }, 0.5, 1000);
  // Half of this part took 1000 s, so its other half is expected to take as long again.
  assert.ok(clock.left().seconds > 1000);
  for (const piece of pieces) clock.see(piece, 1, 2000);
  assert.deepEqual([clock.share, clock.left().seconds], [1, 0]);
});
