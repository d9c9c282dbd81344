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
