/** Texts to train on, made from a seed: scripts, lengths of lines and words, and repetition. */
import type { Dice } from "../fuzz/dice.ts";

/** First and last code point of the letters of a writing system, and how many of them a text may use. */
const SCRIPTS: readonly { first: number; last: number; most: number }[] = [
  { first: 0x61, last: 0x7a, most: 26 }, // Latin
  { first: 0x3b1, last: 0x3c9, most: 25 }, // Greek
  { first: 0x430, last: 0x44f, most: 32 }, // Cyrillic
  { first: 0x627, last: 0x64a, most: 36 }, // Arabic
  { first: 0x905, last: 0x94d, most: 70 }, // Devanagari
  { first: 0xe01, last: 0xe4e, most: 70 }, // Thai
  { first: 0x3041, last: 0x30f6, most: 180 }, // Kana
  { first: 0xac00, last: 0xd7a3, most: 900 }, // Hangul
  { first: 0x4e00, last: 0x9fff, most: 2000 }, // Han
  { first: 0x10400, last: 0x1044f, most: 80 }, // Deseret, outside the basic plane
  { first: 0x1f300, last: 0x1f5ff, most: 300 }, // pictures
  { first: 0x21, last: 0x2fff, most: 400 }, // everything
];

/** A whole number from 1 to `most`, small ones as likely as large ones. */
const length = (dice: Dice, most: number) => Math.ceil(most ** (dice.below(1001) / 1000));

/** A number below `below`; 0 is the likeliest, as the commonest letter of a language is. */
const rank = (dice: Dice, below: number) => Math.floor(below * (dice.below(1000) / 1000) ** 3);

function alphabetOf(dice: Dice): string[] {
  const { first, last, most } = dice.pick(SCRIPTS), size = length(dice, most);
  return Array.from({ length: size }, () => String.fromCodePoint(first + dice.below(last - first + 1)));
}

function wordOf(dice: Dice, { alphabet, longest }: { alphabet: readonly string[]; longest: number }): string {
  let word = "";
  for (let left = length(dice, longest); left > 0; left--) word += alphabet[rank(dice, alphabet.length)];
  return word;
}

/** One corpus: lines without control characters, at least one of them with a letter. */
export function corpusOf(dice: Dice): string {
  const alphabet = alphabetOf(dice);
  if (dice.once(4)) alphabet.push(...alphabetOf(dice));
  const longest = dice.pick([1, 4, 12, 40, 400]), separator = dice.pick([" ", " ", " ", "", "  ", "。", ", "]);
  const words = Array.from({ length: length(dice, 1500) }, () => wordOf(dice, { alphabet, longest }));
  const size = length(dice, dice.once(8) ? 60_000 : 12_000), perLine = length(dice, 300), lines: string[] = [];
  const repeats = dice.once(5);
  let total = 0;
  while (total < size) {
    const line = repeats && lines[0] !== undefined
      ? lines[0]
      : Array.from({ length: perLine }, () => words[rank(dice, words.length)]).join(separator);
    lines.push(line);
    total += line.length + 1;
  }
  return lines.join("\n");
}
