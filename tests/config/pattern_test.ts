/** Layer patterns: published stacks in one line each, and what cannot be read. */
import { strict as assert } from "node:assert";
import { HymbaConfig, layersOf, layersOfPattern, lengthOfPattern } from "../../core/config/mod.ts";
import { fc } from "../packages.ts";

const SHAPE = { vocabSize: 64, dModel: 32, nHeads: 4, nKvHeads: 2, ffnHidden: 64, swaWindow: 8, numMetaTokens: 4 };
const word = (pattern: string, nLayers: number) => {
  const letters = layersOfPattern(pattern, nLayers);
  return Array.isArray(letters) ? letters.join("") : `${letters.expected} / ${letters.got}`;
};

Deno.test("published stacks are one line each", () => {
  assert.equal(word("7m:g", 8), "mmmmgmmm", "Jamba: one attention layer in eight, in the middle of the block");
  assert.equal(word("(m w)*", 6), "mwmwmw", "Samba");
  assert.equal(word("(5m g)* m", 13), "mmmmmgmmmmmgm", "Zamba");
  assert.equal(word("h*", 4), "hhhh", "Falcon-H1");
  assert.equal(word("h 5l h 5l h", 13), "hlllllhlllllh", "Hymba");
  assert.equal(word("2(m 2(g w)) m", 11), "mgwgwmgwgwm");
});

Deno.test("what cannot be read or does not fit says what would be right and what stands there", () => {
  assert.match(word("h x", 2), /a group in brackets, repeated by a number in front: 3m, 2\(m g\) \/ x$/);
  assert.match(word("", 2), /a layer: h, l, m, g, w \/ the end/);
  assert.match(word("(m g", 2), /a bracket that closes the group/);
  assert.match(word("m g)", 2), /closes what none opened/);
  assert.match(word("0m", 2), /from 1 to 1024/);
  assert.match(word("9999m", 2), /from 1 to 1024/);
  assert.match(word("m* g*", 4), /one star or one ratio at most \/ 2/);
  assert.match(word("(m*)", 4), /no star inside/);
  assert.match(word("(m:g)", 4), /no ratio inside/);
  assert.match(word("m g", 3), /3 layers, as nLayers says \/ 2 layers/);
  assert.match(word("(m g)*", 3), /a multiple of 2 layers to fill of the 3 \/ 3/);
  assert.equal(lengthOfPattern("2(m g) h"), 5);
  assert.equal(lengthOfPattern("m*"), undefined);
});

Deno.test("a ratio keeps its shares, and no run of a kind is more than one longer than another", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5 }), (many, groups) => {
      const letters = word(`${many}m:g`, groups * (many + 1));
      assert.equal([...letters].filter((letter) => letter === "g").length, groups);
      const inner = letters.split("g").slice(1, -1).map(({ length }) => length);
      for (const length of inner) assert.equal(length, many);
    }),
  );
});

Deno.test("a pattern decides kinds, windows, architecture and what follows from it", () => {
  const config = new HymbaConfig({ ...SHAPE, layers: "h 2l m g w" });
  assert.deepEqual(
    layersOf(config).map(({ attention, mamba, window, kvOwner }) => [attention, mamba, window, kvOwner]),
    [
      [true, true, 0, 0],
      [true, true, 8, 1],
      [true, true, 8, 1],
      [false, true, 0, 3],
      [true, false, 0, 4],
      [true, false, 8, 5],
    ],
  );
  assert.deepEqual([config.nLayers, config.archType, config.windowed], [6, "hymba", true]);
  assert.deepEqual(config.globalAttnIndices, [0, 4]);
  assert.equal(config.metaTokens, 4);
  const stack = (layers: string) => new HymbaConfig({ ...SHAPE, layers }).archType;
  assert.deepEqual(["m m", "g g", "g w", "m g"].map(stack), [
    ...["mamba", "transformer-global", "transformer-local", "hybrid-sequential"],
  ]);
  assert.throws(() => new HymbaConfig({ ...SHAPE, layers: "h x" }), /layers[^]*a group in brackets/);
  assert.throws(() => new HymbaConfig({ ...SHAPE, layers: "h l", nLayers: 3 }), /layers[^]*3 layers, as nLayers says/);
  assert.deepEqual({ ...config.with({ ffnHidden: 80 }) }, { ...config, ffnHidden: 80 });
});
