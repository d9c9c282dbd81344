/** Tokenizers for studies of any text: rare characters become bytes, small texts get small vocabularies, and both are said. */
import assert from "node:assert/strict";
import { fitNotes, fitTokenizer } from "../../core/tokenizer/mod.ts";
import { Dice } from "../fuzz/dice.ts";
import { SMALL_TEXT } from "./oracles.ts";

/** Words of letters between two code points, the first ones the most frequent. */
function script(first: number, { last, separator = "" }: { last: number; separator?: string }): string {
  const dice = new Dice(3, first);
  const word = () =>
    Array.from(
      { length: 1 + dice.below(4) },
      () => String.fromCodePoint(first + dice.below(1 + dice.below(last - first))),
    ).join("");
  return Array.from({ length: 3000 }, word).join(separator);
}

const MANY_CHARACTERS = {
  Chinese: script(0x4e00, { last: 0x5600 }),
  Japanese: script(0x3041, { last: 0x30ff }) + script(0x4e00, { last: 0x4f00 }),
  Korean: script(0xac00, { last: 0xb400, separator: " " }),
  Thai: script(0xe01, { last: 0xe5b }) + script(0x2010, { last: 0x2200 }),
  pictures: script(0x1f300, { last: 0x1f5ff, separator: " " }),
};
for (const [name, text] of Object.entries(MANY_CHARACTERS)) {
  Deno.test(`a text with more characters than the vocabulary has room for: ${name}`, () => {
    for (const vocabSize of [384, 512]) {
      const tokenizer = fitTokenizer(text, { vocabSize });
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
      const notes = fitNotes(tokenizer, text, { vocabSize }), fits = tokenizer.characterCoverage === 1;
      assert.ok(
        fits ? notes.length === 0 : /character coverage \d+\.\d\d %.*bytes/.test(notes.join("\n")),
        notes.join(),
      );
    }
    assert.ok(fitTokenizer(text, { vocabSize: 384 }).characterCoverage < 1);
    const seed = fitTokenizer(text, { vocabSize: 100, profile: "seed" });
    const said = fitNotes(seed, text, { vocabSize: 100, profile: "seed" }).join("\n");
    assert.match(said, /character coverage \d+\.\d\d %.*unknown tokens/);
  });
}

const SMALL: Record<string, string> = {
  "one line over and over": "to be or not to be, that is the question\n".repeat(400),
  "one character": "a".repeat(5000),
  "a few sentences": "The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs.",
  "two characters of Chinese": "好的".repeat(900),
};
for (const [name, text] of Object.entries(SMALL)) {
  Deno.test(`a small or repetitive text gets a smaller vocabulary: ${name}`, () => {
    for (const profile of [undefined, "seed"] as const) {
      const tokenizer = fitTokenizer(text, { vocabSize: 384, profile });
      assert.ok(tokenizer.vocabSize < 384);
      const said = `its vocabulary has ${tokenizer.vocabSize} tokens instead of 384`;
      assert.match(fitNotes(tokenizer, text, { vocabSize: 384, profile }).join("\n"), new RegExp(said));
    }
  });
}

Deno.test("nothing is said where everything is as wanted, and an empty text is refused", () => {
  const wanted = { vocabSize: 500 };
  assert.deepEqual(fitNotes(fitTokenizer(SMALL_TEXT, wanted), SMALL_TEXT, wanted), []);
  for (const profile of [undefined, "seed"] as const) {
    assert.throws(() => fitTokenizer("\n\n", { vocabSize: 400, profile }), /the text is empty/);
  }
});
