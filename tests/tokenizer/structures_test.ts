import assert from "node:assert/strict";
import { ByteStrings, compareBytes, utf8, validLength } from "../../core/tokenizer/bytes.ts";
import { Charsmap, compileCharsmap } from "../../core/tokenizer/charsmap.ts";
import { buildDoubleArray, longestPrefix } from "../../core/tokenizer/double_array.ts";
import { SMALL_TEXT } from "./oracles.ts";
import { alphabetOf, WordCounts } from "../../core/tokenizer/train/word_counts.ts";
import { digamma } from "../../core/tokenizer/train/expectation.ts";
import { makeSeeds } from "../../core/tokenizer/train/seeds.ts";
import { commonPrefixes, suffixArray } from "../../core/tokenizer/train/suffix_array.ts";
import { normalizationCharsmap } from "../../core/tokenizer/train/normalization.ts";
import { fc } from "../packages.ts";

const bytesWithoutZero = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 6 });

Deno.test("a double array finds its keys, the longest first, and no others", () => {
  fc.assert(fc.property(fc.array(bytesWithoutZero, { maxLength: 300 }), fc.array(fc.nat(255)), (lists, probe) => {
    const keys = lists.map((list) => Uint8Array.from(list))
      .filter((key, i, all) => all.findIndex((other) => compareBytes(key, other) === 0) === i);
    const units = buildDoubleArray(ByteStrings.of(keys), keys.map((_, i) => i));
    const check = (bytes: Uint8Array) => {
      let longest = 0, value = 0;
      for (const [i, key] of keys.entries()) {
        if (key.length > longest && key.every((byte, j) => bytes[j] === byte)) [longest, value] = [key.length, i];
      }
      assert.deepEqual(longestPrefix(units, { bytes, at: 0, end: bytes.length }), { length: longest, value });
    };
    for (const key of keys) check(Uint8Array.of(...key, 7));
    check(Uint8Array.from(probe));
  }));
});

Deno.test("a compiled character map gives back its rules", () => {
  const word = fc.string({ unit: "binary", minLength: 1, maxLength: 4 }).filter((text) => !text.includes("\0"));
  fc.assert(fc.property(fc.uniqueArray(fc.tuple(word, word), { minLength: 1, selector: ([key]) => key }), (pairs) => {
    const charsmap = new Charsmap(compileCharsmap(new Map(pairs)), "test"),
      decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const rules = [...charsmap.rules()].map((
      { key, replacement },
    ) => [decoder.decode(key), decoder.decode(replacement)]);
    assert.deepEqual(new Map(rules as [string, string][]), new Map(pairs));
    assert.equal(charsmap.longestRule, Math.max(...pairs.map(([key]) => utf8(key).length)));
  }));
});

Deno.test("the rules of nfkc are those of Unicode, those of nmt_nfkc also clean controls and spaces", () => {
  for (const rule of ["nfkc", "nmt_nfkc"] as const) {
    const charsmap = new Charsmap(normalizationCharsmap(rule), rule), decoder = new TextDecoder();
    for (const text of ["ﬁ", "Ａ", "é", "é", "각", "각", "ộ", "ộ", "½", "①"]) {
      const bytes = utf8(text), { length, replacement } = charsmap.match(bytes, { at: 0, end: bytes.length });
      const became = length === 0 ? text : decoder.decode(replacement);
      assert.equal(length === 0 || length === bytes.length, true, text);
      assert.equal(became, text.normalize("NFKC"));
    }
    const tab = charsmap.match(utf8("\t"), { at: 0, end: 1 });
    assert.equal(tab.length, rule === "nmt_nfkc" ? 1 : 0);
  }
});

Deno.test("suffixes are in order, and the shared prefixes are counted", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 }), (list) => {
    const symbols = Int32Array.from(list), depth = 64;
    const order = suffixArray(symbols, { range: 4, depth });
    const suffix = (i: number) => String.fromCharCode(...list.slice(i));
    const expected = list.map((_, i) => i).sort((a, b) => suffix(a) < suffix(b) ? -1 : 1);
    assert.deepEqual([...order], expected);
    const shared = commonPrefixes(symbols, { order, depth });
    for (let i = 1; i < list.length; i++) {
      const a = suffix(expected[i - 1]!), b = suffix(expected[i]!), length = shared[i]!;
      assert.ok(a.slice(0, length) === b.slice(0, length) && (a[length] !== b[length] || length === a.length));
    }
  }));
});

Deno.test("digamma at known points", () => {
  const EULER = 0.5772156649015329;
  assert.ok(Math.abs(digamma(1) + EULER) < 1e-9);
  assert.ok(Math.abs(digamma(0.5) + EULER + 2 * Math.log(2)) < 1e-9);
  assert.ok(Math.abs(digamma(100) - 4.600161852738087) < 1e-12);
});

Deno.test("characters are found as TextDecoder finds them", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 5 }), (bytes) => {
    const length = validLength(bytes, { at: 0, end: bytes.length });
    const decodes = (n: number) => {
      try {
        return [...new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, n))].length ===
          1;
      } catch {
        return false;
      }
    };
    assert.equal(length, [1, 2, 3, 4].find((n) => n <= bytes.length && decodes(n)) ?? 0);
  }));
});

Deno.test("seeds are the substrings with two different right contexts, weighted by occurrences", () => {
  const words = new WordCounts({
    name: "identity",
    charsmap: new Uint8Array(0),
    addDummyPrefix: false,
    removeExtraWhitespaces: false,
    escapeWhitespaces: true,
  }, { symbols: [], name: "test" });
  const text = SMALL_TEXT.split("\n").slice(0, 120).join("\n"), longest = 5, found = new Map<string, Set<string>>();
  const counts = new Map<string, number>();
  for (const line of text.split("\n")) {
    const marked = `${line.replaceAll(" ", "▁")}\0`;
    for (let from = 0; from < marked.length - 1; from++) {
      for (let to = from + 1; to < marked.length && to - from <= longest; to++) {
        const piece = marked.slice(from, to);
        if (!/^▁?(?:[A-Za-z]*|[^A-Za-z▁]*)$/.test(piece)) break;
        found.set(piece, (found.get(piece) ?? new Set()).add(marked[to]!));
        counts.set(piece, (counts.get(piece) ?? 0) + 1);
      }
    }
  }
  const expected = [...found].filter(([piece, contexts]) => piece.length === 1 || contexts.size > 1)
    .map(([piece]) => [piece, counts.get(piece)! * piece.length] as const);
  words.addText(text);
  const counted = words.words(),
    seeds = makeSeeds(counted, { alphabet: alphabetOf(counted, 1).letters, size: 1e6, longest });
  assert.ok(expected.length > 500);
  assert.deepEqual(new Map(seeds.map(({ piece, weight }) => [piece, weight])), new Map(expected));
});
