/** Regular expressions of a `tokenizer.json` mean what Oniguruma means; expected matches are those of Hugging Face's Rust library. */
import assert from "node:assert/strict";
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { compilePattern, loadPatterns, matchesOf, PatternRefused } from "../../core/tokenizer/huggingface/patterns.ts";

const SPLIT: [pattern: string, text: string, found: string[]][] = [
  ["\\d", "٣a१2b", ["٣", "१", "2"]],
  ["\\D+", "a٣b१", ["a", "b"]],
  ["\\w+", "naïve été_1 ½⅒", ["naïve", "été_1", "½"]],
  ["\\W+", "a\u0301b ⓐ!", [" ", "!"]],
  ["\\s+", "a\u3000b\u0085c\ufeffd", ["\u3000", "\u0085"]],
  ["\\S+", "a\u2003b", ["a", "b"]],
  [".+", "ab\ncd\r", ["ab", "cd\r"]],
  ["a$", "a\na", ["a", "a"]],
  ["^a", "a\na", ["a", "a"]],
  ["a\\Z", "a\na\n", ["a"]],
  ["\\Aa", "a\na", ["a"]],
  ["[a-e&&[^bd]]+", "abcde", ["a", "c", "e"]],
  ["[\\w&&[^\\d]]+", "a1é٣", ["a", "é"]],
  ["[[:digit:]]+", "1٣x", ["1٣"]],
  ["\\h+", "1fgA", ["1f", "A"]],
  ["\\bé", "é éa xé", ["é", "é"]],
  ["(?m:a.b)", "a\nb", ["a\nb"]],
  ["(?i:AB)?\\p{Lu}", "abX s", ["abX"]],
  ["\\p{^L}+", "a1!b", ["1!"]],
  ["(?i)\\p{Lu}", "aBc É", ["B", "É"]],
  ["(?i)a\\p{^Lu}", "abABAb", ["ab", "Ab"]],
  ["(?i:\\p{Ll})", "aB", ["a"]],
  ["(?i)[\\p{Lu}]", "aB1", ["a", "B"]],
  ["\\p{Word}+", "1½②", ["1½"]],
  ["\\P{Word}", "1½②", ["②"]],
  ["a++", "aab", ["aa"]],
  ["(?>a|ab)c", "abc ac", ["ac"]],
  ["(?i:'s|'t)|\\p{N}{1,3}|\\s+(?!\\S)|\\s+", "It'S  12345 ", ["'S", " ", " ", "123", "45", " "]],
];
for (const [pattern, text, expected] of SPLIT) {
  Deno.test(`a pattern of Oniguruma: ${pattern}`, async () => {
    await loadPatterns('"Regex"');
    const found = matchesOf(compilePattern(pattern), text).map(([start, end]) => text.slice(start, end));
    assert.deepEqual(found, expected);
  });
}

// What Oniguruma 6.9.8 does: of each pattern that is refused, it takes several letters for one, or one for several.
const REFUSED = [
  ..."(?i)ss|(?i)ß|(?i)ẞ|(?i)fi|(?i)ﬁ|(?i)ffi|(?i)sT|(?i)ſs|(?i)i\u0307|(?i)İ|(?i)ʼn|(?i)ass{1}|(?i)s(?:s)|(?i)(?:s)s"
    .split("|"),
  ..."(?i)\\x73s|(?i)\\x{DF}|(?i)\\u0073s|(?i)s(?#c)s|(?ix)s s|(?i)(?:ss)+|(?i:x)(?i:grüß)|(?i)[ß]|(?i)[à-þß]x".split(
    "|",
  ),
  ..."(?i)[\\p{L}]x|(?i)[\\w]x|(?i)[[:alpha:]]+x|(?i)[\\p{Latin}]|(?i)[a[^\\P{L}]]x|(a(?i)ss)".split("|"),
  "(?i:[\\p{L}]|a)x",
];
const TAKEN: [pattern: string, text: string, found: string[]][] = [
  ["(?i)ss+", "ßsS", ["sS"]],
  ["(?i)s{2}", "ß SS", ["SS"]],
  ["(?i)s(s)", "ß Ss", ["Ss"]],
  ["(?i)s?s", "ß S", ["S"]],
  ["(?i:s)s", "ß Ss", ["Ss"]],
  ["s(?i)s", "ß sS", ["sS"]],
  ["(?i)s(?-i)s", "ß Ss", ["Ss"]],
  ["(?i)[s][s]", "ß sS", ["sS"]],
  ["(?i)s|s", "ß S", ["S"]],
  ["(?i)[^ß]", "SS", ["S", "S"]],
  ["ss(?i:x)", "ß ssX", ["ssX"]],
  ["(?i)[\\p{Lu}]", "sSß", ["s", "S", "ß"]],
  ["(?i)\\p{L}x", "ssX", ["sX"]],
  ["(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+", "It'S große", ["It", "'S", " große"]],
  ["'(?i:[sdmt]|ll|ve|re)|[\\p{Lu}\\p{M}]*[\\p{Ll}\\p{M}]+(?i:'s|'t)?", "Straße'Ll", ["Straße", "'Ll"]],
];

Deno.test("where Oniguruma takes several letters for one, a pattern is refused with the letters, and no other is", async () => {
  await loadPatterns('"Regex"');
  for (const pattern of REFUSED) {
    assert.throws(
      () => compilePattern(pattern),
      { message: /ignores case[^]*takes ".*" for ".*"[^]*write both cases/ },
      pattern,
    );
  }
  for (const [pattern, text, expected] of TAKEN) {
    const found = matchesOf(compilePattern(pattern), text).map(([start, end]) => text.slice(start, end));
    assert.deepEqual(found, expected, pattern);
  }
});

Deno.test("an empty match right behind a match does not count", () => {
  const spans = (pattern: string, text: string) => matchesOf(compilePattern(pattern), text);
  assert.deepEqual(spans("a*", "baac"), [[0, 0], [1, 3], [4, 4]]);
  assert.deepEqual(spans("x*", ""), []);
  assert.deepEqual(spans("x*", "😀"), [[0, 0], [2, 2]]);
});

Deno.test("a file with a pattern that needs the package is read by openJson, others by fromJson, too", async () => {
  const file = (Regex: string) =>
    JSON.stringify({
      pre_tokenizer: { type: "Split", pattern: { Regex }, behavior: "Removed" },
      model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0], ["a", -1], ["b", -1]] },
    });
  assert.deepEqual((await Tokenizer.openJson(file("\\d"))).encodePieces("a१b"), ["a", "b"]);
  for (const plain of [" {2,}", "[0-9]+", "<(?=unk>)|x", "(?<![\\s\\S]) +", "a\\.b"]) {
    assert.deepEqual(Tokenizer.fromJson(file(plain)).encodePieces("ab"), ["a", "b"]);
  }
  for (const wrong of ["a{2}?", "(", "[a", "(?<n>a)(?<n>b)\\k<n>", "(a+)+$", "\\p{NoSuch}"]) {
    await assert.rejects(Tokenizer.openJson(file(wrong)), /regular expression/, wrong);
  }
  assert.throws(() => compilePattern("(a|b)*c"), PatternRefused);
});

Deno.test("the package is loaded for such a file only", async () => {
  const url = new URL("../../core/tokenizer/mod.ts", import.meta.url).href;
  const program = (text: string) =>
    `const { Tokenizer } = await import(${JSON.stringify(url)}); await Tokenizer.openJson(${JSON.stringify(text)});`;
  const json = (pre: unknown) =>
    JSON.stringify({ pre_tokenizer: pre, model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0]] } });
  const loads = async (text: string) => {
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--config",
        new URL("../../deno.json", import.meta.url).pathname,
        "--log-level=debug",
        program(text),
      ],
    }).output();
    return /oniguruma-to-es\/\d[^\n]*\/dist|oniguruma-to-es[^\n]*index\.js/.test(new TextDecoder().decode(stderr));
  };
  assert.equal(await loads(json({ type: "Split", pattern: { Regex: "\\d" }, behavior: "Removed" })), true);
  assert.equal(await loads(json({ type: "WhitespaceSplit" })), false);
});
