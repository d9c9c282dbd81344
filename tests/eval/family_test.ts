/** Families of intervals: all of them hold together, also those of the best model; factors use all trainings. */
import { strict as assert } from "node:assert";
import { compareFamily, differs } from "../../core/eval/comparison.ts";
import type { Contrast } from "../../core/eval/contrast.ts";
import { blockMeans, blocksOf, type Training } from "../../core/eval/text_blocks.ts";
import { fillNormal } from "../../core/random.ts";
import { loadStudent } from "../../core/student.ts";

await loadStudent();

const BLOCKS = 20, TOKENS = 60;

/** Losses of equal arms: noise of each training, of each seed's batches, of the text, and of arms on the text. */
function equalArms(trial: number, { arms, seeds }: { arms: readonly string[]; seeds: number }): Training[] {
  const normal = (step: number, length: number, deviation: number) =>
    fillNormal(new Float32Array(length), { seed: trial, stream: 100, step }, { deviation });
  const text = normal(0, BLOCKS, 0.5), batches = normal(1, seeds, 0.2);
  return arms.flatMap((arm, a) => {
    const own = normal(2 + a, BLOCKS, 0.05), trainings = normal(50 + a, seeds, 0.03);
    return Array.from({ length: seeds }, (_, seed) => {
      const noise = normal(1000 + 100 * a + seed, TOKENS, 0.02);
      const level = 3 + batches[seed]! + trainings[seed]!;
      const nats = noise.map((x, i) => {
        const block = Math.floor(i * BLOCKS / TOKENS);
        return x + level + text[block]! + own[block]!;
      });
      return { arm, seed, nats };
    });
  });
}

const allPairs = (arms: readonly string[]): Contrast[] =>
  arms.flatMap((a, i) => arms.slice(i + 1).map((b) => ({ [a]: 1, [b]: -1 })));

const TRIALS = 200;
/** With a true coverage of 95 %, 200 trials fall outside these bounds in 2 of 1000 cases. */
const VALID = [0.9, 0.99] as const;

const inside = (share: number, what: string) => assert.ok(share >= VALID[0] && share <= VALID[1], `${what}: ${share}`);

Deno.test("all intervals of four equal models hold together in about 95 of 100 cases, and so do the best model's", () => {
  const arms = ["a", "b", "c", "d"];
  let together = 0, ofBest = 0, alone = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const means = blockMeans(equalArms(trial, { arms, seeds: 4 }), { blocks: BLOCKS }), contrasts = allPairs(arms);
    const found = compareFamily([{ means, contrasts }])[0]!.map((one) => one!);
    // The truth of each interval is what the arms do on this kind of text: zero.
    if (!found.some(differs)) together++;
    const levels = new Map(arms.map((arm) => [arm, 0]));
    for (const [i, contrast] of contrasts.entries()) {
      for (const arm of arms) levels.set(arm, levels.get(arm)! + (contrast[arm] ?? 0) * found[i]!.mean);
    }
    const best = arms.toSorted((x, y) => levels.get(x)! - levels.get(y)!)[0]!;
    if (!found.some((one, i) => contrasts[i]![best] !== undefined && differs(one))) ofBest++;
    alone += found.filter(({ alone: [low, high] }) => low <= 0 && high >= 0).length / found.length;
  }
  inside(together / TRIALS, "together");
  assert.ok(ofBest / TRIALS >= 0.92, `the best: ${ofBest / TRIALS}`);
  inside(alone / TRIALS, "each alone");
});

const ON_OFF = Array.from({ length: 8 }, (_, bits) => `arm${bits}`);
const FACTOR: Contrast = Object.fromEntries(ON_OFF.map((arm, bits) => [arm, bits & 1 ? 0.25 : -0.25]));

Deno.test("a factor of eight arms and three seeds has 14 degrees of freedom, and its interval is valid", () => {
  let covered = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const means = blockMeans(equalArms(trial, { arms: ON_OFF, seeds: 3 }), { blocks: BLOCKS });
    const found = compareFamily([{ means, contrasts: [FACTOR] }])[0]![0]!;
    assert.deepEqual([found.freedom, found.seeds, found.blocks], [14, 3, BLOCKS]);
    if (!differs(found)) covered++;
  }
  inside(covered / TRIALS, "factor");
});

Deno.test("the scatter of a factor is the residual of arms and seeds: worked example", () => {
  // Two levels of one factor, two arms each, two seeds; the text adds nothing.
  const losses: Record<string, number[]> = { p: [1, 2], q: [1.5, 2.1], r: [3, 4.4], s: [3.2, 4] };
  const trainings = Object.entries(losses).flatMap(([arm, all]) =>
    all.map((loss, seed) => ({ arm, seed, nats: new Float32Array(40).fill(loss) }))
  );
  const means = blockMeans(trainings, { blocks: 10 });
  const found = compareFamily([{ means, contrasts: [{ p: -0.5, q: -0.5, r: 0.5, s: 0.5 }] }])[0]![0]!;
  // Row differences 1, 0.6, 1.4, 0.8 about their mean 0.95: squares 0.35 / 2, 3 degrees of freedom, weights 4 · ¼ over 2 seeds.
  assert.ok(Math.abs(found.mean - 2) < 1e-6);
  assert.equal(found.freedom, 3);
  assert.ok(Math.abs(found.seedError - Math.sqrt(0.35 / 2 / 3 / 2)) < 1e-6, `${found.seedError}`);
});

Deno.test("one comparison is not widened, more are, and each interval alone stays what it was", () => {
  const arms = ["a", "b", "c", "d"], means = blockMeans(equalArms(7, { arms, seeds: 3 }), { blocks: BLOCKS });
  const one = compareFamily([{ means, contrasts: [{ a: 1, b: -1 }] }])[0]![0]!;
  assert.deepEqual(one.interval, one.alone);
  const all = compareFamily([{ means, contrasts: allPairs(arms) }])[0]!.map((found) => found!);
  assert.deepEqual(all[0]!.alone, one.alone);
  const length = ([low, high]: readonly [number, number]) => high - low;
  const wider = all.map(({ interval, alone }) => length(interval) / length(alone));
  assert.ok(wider.every((x) => Math.abs(x - wider[0]!) < 1e-9 && x > 1.2 && x < 4), `${wider}`);
});

Deno.test("tokens that do not count do not matter, and blocks weigh by the tokens that do", () => {
  const nats = (values: number[]) => Float32Array.from(values), where = Uint8Array.from([1, 1, 0, 1, 0, 0]);
  const trainings = [
    { arm: "a", seed: 1, nats: nats([1, 2, 99, 6, 99, 99]) },
    { arm: "b", seed: 1, nats: nats([0, 0, 7, 0, 7, 7]) },
  ];
  const means = blockMeans(trainings, { blocks: 3, where });
  const found = compareFamily([{ means, contrasts: [{ a: 1, b: -1 }] }])[0]![0]!;
  assert.ok(Math.abs(found.mean - 3) < 1e-6);
  assert.throws(() => blockMeans(trainings, { blocks: 3, where: new Uint8Array(6) }), /no losses/);
});

Deno.test("blocks are at least two sequences long, and at most twenty", () => {
  assert.equal(blocksOf(38_400, 96), 20);
  assert.equal(blocksOf(1920, 96), 10);
  assert.equal(blocksOf(100, 96), 2);
});
