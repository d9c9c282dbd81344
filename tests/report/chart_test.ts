import assert from "node:assert/strict";
import type { SKRSContext2D } from "@napi-rs/canvas";
import { SUITES } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import type { AttentionMap, Run, StageResult } from "../../core/record/mod.ts";
import { memoryDisk } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { armAxis } from "../../core/report/ablation_chart.ts";
import { attentionChangeChart, attentionChanges, changeFinding, limitOf } from "../../core/report/attention_change.ts";
import { attentionShares, chosenMaps, floorOf } from "../../core/report/attention_chart.ts";
import { averaged } from "../../core/report/chart/lines.ts";
import { logTicks, withoutOverlap } from "../../core/report/chart/plot.ts";
import { changeColour, viridis } from "../../core/report/colour_map.ts";
import {
  ablationChart,
  ARTIFACTS,
  attentionChart,
  availableArtifacts,
  stagesChart,
  writeArtifacts,
} from "../../core/report/mod.ts";
import { comparisonChart } from "../../core/report/comparison_chart.ts";
import { looks } from "../../core/report/palette.ts";
import { spreadOf, summaries } from "../../core/report/summary.ts";
import { syntheticRun, withTokenLosses } from "./synthetic_run.ts";

/** Width and height from the header of a PNG. */
function sizeOf(png: Uint8Array): [width: number, height: number] {
  assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

/** How many pixels of a picture have a colour. */
async function pixelsOf(png: Uint8Array, [red, green, blue]: readonly [number, number, number]): Promise<number> {
  const { createCanvas, loadImage } = await import("@napi-rs/canvas");
  const image = await loadImage(png), brush = createCanvas(image.width, image.height).getContext("2d");
  brush.drawImage(image, 0, 0);
  const { data } = brush.getImageData(0, 0, image.width, image.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count++;
  }
  return count;
}

/** The smallest text that `draw` writes (physical pixels), by the fonts and scales of the rasteriser. */
async function smallestText(draw: () => Promise<Uint8Array>): Promise<{ size: number; png: Uint8Array }> {
  const { createCanvas } = await import("@napi-rs/canvas");
  const prototype: SKRSContext2D = Object.getPrototypeOf(createCanvas(1, 1).getContext("2d"));
  const { fillText } = prototype;
  let size = Infinity;
  prototype.fillText = function (text, ...place) {
    const [, pixels] = /([\d.]+)px/.exec(this.font) ?? [], { a, b } = this.getTransform();
    if (text.trim() !== "") size = Math.min(size, Number(pixels) * Math.hypot(a, b));
    return fillText.call(this, text, ...place);
  };
  try {
    return { png: await draw(), size };
  } finally {
    prototype.fillText = fillText;
  }
}

/** 17 cm, the width of the text on a page of A4, in points. */
const PRINTED = 17 / 2.54 * 72;

const rgbOf = (colour: string) =>
  [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) as [number, number, number];

Deno.test("charts: every arm's colour is in the pictures, an arm that is not there is not", async () => {
  const run = syntheticRun({ arms: ["mamba", "hymba"], preset: "smoke" });
  const look = looks(["mamba", "hymba", "transformer-global"]);
  for (const chart of [ablationChart, stagesChart]) {
    const png = await chart(run), [width, height] = sizeOf(png);
    assert.ok(width > 2000 && height > 1000, `${width} × ${height}`);
    for (const arm of ["mamba", "hymba"]) {
      const count = await pixelsOf(png, rgbOf(look(arm).colour));
      assert.ok(count > 1000, `${chart.name}: ${count} pixels of ${arm}`);
    }
    assert.equal(await pixelsOf(png, rgbOf(look("transformer-global").colour)), 0);
  }
});

Deno.test("charts: printed 17 cm wide, no text of a figure is smaller than 6 points", async () => {
  const five = withTokenLosses(syntheticRun({ seeds: 2, preset: "smoke" }), () => 0);
  for (const run of [five, syntheticRun({ suite: "frontier", preset: "smoke" })]) {
    const names = availableArtifacts(run).filter((name) => ARTIFACTS[name].file.endsWith(".png"));
    assert.ok(names.length > 4, `${names}`);
    for (const name of names) {
      const { size, png } = await smallestText(async () => await ARTIFACTS[name].make(run) as Uint8Array<ArrayBuffer>);
      const points = size / sizeOf(png)[0] * PRINTED;
      assert.ok(points >= 6 && points < 10, `${name}: ${points} points`);
    }
  }
});

Deno.test("the names on a logarithmic axis do not touch each other", () => {
  // Ten pixels for each name on an axis of `length` pixels.
  const apart = (length: number) => (left: number, right: number) => length * Math.log10(right / left) >= 10;
  assert.deepEqual(logTicks(1, 100, apart(100)), [1, 2, 5, 10, 20, 50, 100]);
  assert.deepEqual(logTicks(1, 100, apart(20)), [1, 5, 20, 100]);
  assert.deepEqual(logTicks(50, 500, apart(200)), [50, 60, 80, 100, 150, 200, 300, 400, 500]);
  assert.deepEqual(logTicks(50, 500, apart(60)), [50, 80, 150, 300, 500]);
});

Deno.test("differences: drawn where losses of tokens were kept, with the factors of a factorial, in the arms' colours", async () => {
  const arms = withTokenLosses(
    syntheticRun({ arms: ["mamba", "transformer-global", "hymba"], seeds: 3, preset: "smoke" }),
    (arm) => arm === "mamba" ? 0 : 0.4,
  );
  const png = await comparisonChart(arms), look = looks(["mamba", "transformer-global", "hymba"]);
  for (const arm of ["transformer-global", "hymba"]) assert.ok(await pixelsOf(png, rgbOf(look(arm).colour)) > 300, arm);
  assert.equal(await pixelsOf(png, rgbOf(look("mamba").colour)), 0, "the best is what the others are held to");
  const factorial = withTokenLosses(syntheticRun({ suite: "factorial", seeds: 3, preset: "smoke" }), () => 0);
  assert.ok(sizeOf(await comparisonChart(factorial))[1] > sizeOf(png)[1], "the legend is below two plots");
  assert.ok(availableArtifacts(arms).includes("intervals"));
  assert.ok(!availableArtifacts({ ...arms, tokenLosses: [] }).includes("intervals"));
  assert.throws(() => comparisonChart({ ...arms, tokenLosses: [] }), /no two models to compare/);
});

Deno.test("names beside a plot stay where they belong, and move apart where they would lie on each other", () => {
  const block = (y: number, height = 12) => ({ y, height });
  assert.deepEqual(withoutOverlap([block(20), block(60), block(90, 24)], 200), [20, 60, 90]);
  assert.deepEqual(withoutOverlap([block(50), block(51), block(52)], 200), [50, 62, 74]);
  assert.deepEqual(withoutOverlap([block(90), block(95, 24)], 100), [70, 88], "not below the plot");
});

Deno.test("charts: the same run gives the same bytes", async () => {
  const draw = () => ablationChart(syntheticRun({ arms: ["mamba"], preset: "smoke" }));
  assert.deepEqual(await draw(), await draw());
});

Deno.test("charts: a study that has barely begun, or lacks numbers, can be drawn", async () => {
  const run = syntheticRun({ arms: ["mamba", "hymba"], preset: "smoke" });
  const [first] = run.results, nothing: Run = { ...run, results: [], metrics: [], attention: {} };
  const bad: StageResult = {
    ...first!.stages.pretraining!,
    final: { step: 12, loss: NaN, perplexity: NaN, bitsPerByte: NaN },
  };
  const broken: Run = { ...run, results: [{ ...first!, stages: { pretraining: bad }, failure: "x".repeat(500) }] };
  for (const each of [nothing, broken]) for (const chart of [ablationChart, stagesChart]) sizeOf(await chart(each));
});

Deno.test("no two arms of a suite have one colour", () => {
  for (const suite of SUITES) {
    const names = studyOf("quick", { suite }).arms.map(({ name }) => name), look = looks(names);
    assert.equal(new Set(names.map((name) => look(name).colour)).size, names.length, suite);
  }
});

Deno.test("charts: arms with other names get other looks, by their order", () => {
  const names = ["hymba", "no-meta", "no-sharing"], look = looks(names);
  assert.equal(new Set(names.map((name) => `${look(name).colour}${look(name).marker}`)).size, 3);
  assert.equal(look("hymba").colour, looks(["hymba"])("hymba").colour);
  assert.ok(look("constructor").colour);
});

const map = (layer: number, kind: AttentionMap["kind"]): AttentionMap => ({
  layer,
  kind,
  positions: 2,
  metaTokens: 1,
  window: kind === "local" ? 1 : 0,
  probabilities: Float32Array.of(1, 0, 0.25, 0.75),
  labels: ["meta 0", "a"],
});

Deno.test("charts: long and hostile names leave room for the plot", () => {
  const run = syntheticRun({ arms: ["mamba"], preset: "smoke" }), [arm] = run.record.study.arms;
  const name = "\u202e" + "w".repeat(80), renamed = { ...arm!, name };
  const record = { ...run.record, study: { ...run.record.study, arms: [renamed] } };
  const [shown] = armAxis(summaries({ ...run, record, results: [{ ...run.results[0]!, arm: name }] })).names;
  assert.equal(shown, `\\u{202e}${"w".repeat(17)}…`);
});

Deno.test("attention: first, middle and last global layer and two local ones are shown, in order", () => {
  const layers = (globals: readonly number[], count: number) =>
    Array.from({ length: count }, (_, layer) => map(layer, globals.includes(layer) ? "global" : "local"));
  const shown = (globals: readonly number[], count: number) =>
    chosenMaps(layers(globals, count)).map(({ layer }) => layer);
  assert.deepEqual(shown([0, 7, 14], 15), [0, 4, 7, 11, 14]);
  assert.deepEqual(shown([0, 2, 4], 5), [0, 1, 2, 3, 4]);
  assert.deepEqual(shown([0, 2, 3], 4), [0, 1, 2, 3]);
  assert.deepEqual(shown([0, 1, 2, 3, 4, 5, 6], 7), [0, 3, 6]);
});

Deno.test("attention: the shares of text queries add up to 1", () => {
  assert.deepEqual(attentionShares(map(0, "global")), { meta: 0.25, self: 0.75, text: 0 });
});

Deno.test("attention: the darkest colour is a tenth of even attention, rounded down", () => {
  for (
    const [positions, floor] of [[1, 0.1], [2, 0.05], [36, 0.002], [160, 0.0005], [320, 0.0002], [10, 0.01]] as const
  ) {
    assert.equal(floorOf({ positions }), floor);
  }
});

Deno.test("attention: hidden cells are grey, visible ones coloured by the logarithm", async () => {
  const run = syntheticRun({ arms: ["hymba"], preset: "smoke" });
  const png = await attentionChart(run, "pretraining");
  assert.ok(await pixelsOf(png, [238, 240, 243]) > 100_000, "the hidden triangles");
  assert.ok(await pixelsOf(png, viridis(1)) > 50, "the first query attends to itself alone");
  await assert.rejects(attentionChart({ ...run, attention: {} }, "orpo"), HymbaError);
});

Deno.test("colours of the heat map: the ends of the palette, darker below, brighter above", () => {
  assert.deepEqual(viridis(0), [68, 1, 84]);
  assert.deepEqual(viridis(-1), [68, 1, 84]);
  assert.deepEqual(viridis(1), [253, 231, 37]);
  const luminance = Array.from({ length: 50 }, (_, i) => {
    const [red, green, blue] = viridis(i / 49);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  });
  assert.ok(luminance.every((value, i) => i === 0 || value > luminance[i - 1]!));
});

Deno.test("long curves are averaged in groups, short ones are kept", () => {
  const points = Array.from({ length: 1000 }, (_, step) => ({ step, spread: spreadOf([step])! }));
  const few = averaged(points);
  assert.ok(few.length <= 150);
  const mean =
    few.reduce((sum, { spread }, i) => sum + spread.mean * (i < few.length - 1 ? 7 : 1000 - 7 * (few.length - 1)), 0) /
    1000;
  assert.ok(Math.abs(mean - 499.5) < 1e-9);
  assert.deepEqual(averaged(points.slice(0, 20)), points.slice(0, 20));
});

Deno.test("the change of attention: what moved between keys, and none without the maps of both stages", async () => {
  const run = syntheticRun({ arms: ["mamba", "hymba"], preset: "smoke" }), { attention } = run;
  const before = attention.pretraining!,
    turned = before.map((map) => {
      const probabilities = Float32Array.from(map.probabilities), { positions: P } = map;
      // The last query moves a tenth of its attention from itself to the first key.
      const self = P * P - 1, first = P * (P - 1), part = 0.1 * probabilities[self]!;
      probabilities[self]! -= part;
      probabilities[first]! += part;
      return { ...map, probabilities };
    });
  const changes = attentionChanges({ attention: { pretraining: before, orpo: turned } });
  for (const { before: { positions: P, metaTokens: M, probabilities }, moved } of changes) {
    assert.ok(Math.abs(moved - 0.1 * probabilities[P * P - 1]! / (P - M)) < 1e-6, `${moved}`);
  }
  assert.match(changeFinding(changes), /most in layer \d+: [\d.]+ %, least in layer \d+/);
  const same = attentionChanges({ attention: { pretraining: before, orpo: before } });
  assert.deepEqual(same.map(({ moved }) => moved), same.map(() => 0));
  assert.ok(limitOf(same) > 0);
  assert.deepEqual(attentionChanges({ attention: { pretraining: before } }), []);
  await assert.rejects(attentionChangeChart({ ...run, attention: { pretraining: before } }), /maps of both stages/);
  sizeOf(await attentionChangeChart({ ...run, attention: { pretraining: before, orpo: turned } }));
  const luminance = [-1, -0.5, 0, 0.5, 1].map((change) => {
    const [r, g, b] = changeColour(change);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  });
  assert.deepEqual(luminance, luminance.toSorted((a, b) => a - b), "grey prints show the order");
});

Deno.test("artifacts: all that a run can show, each written whole; maps only where there are some", async () => {
  const disk = memoryDisk();
  await disk.makeFolder("run");
  const full = withTokenLosses(syntheticRun({ arms: ["mamba", "hymba"], preset: "smoke" }), () => 0);
  const written = await writeArtifacts(disk, "run", full);
  const files = Object.values(ARTIFACTS).flatMap(({ file }) =>
    /^(frontier|equal_costs)\./.test(file) ? [] : [`run/${file}`]
  );
  assert.deepEqual(written.toSorted(), files.toSorted());
  assert.deepEqual(await disk.list("run"), written.map((path) => path.slice(4)).toSorted());
  assert.ok(!availableArtifacts(syntheticRun({ arms: ["mamba"], preset: "smoke" })).includes("attentionOrpo"));
});
