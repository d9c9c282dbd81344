/** Random SentencePiece models. */
import type { Dice } from "../../fuzz/dice.ts";
import { compileCharsmap } from "../../../core/tokenizer/charsmap.ts";
import { DEFAULT_TRAINER, type ModelFile } from "../../../core/tokenizer/model_file.ts";
import { bytePiece, type Piece, PieceType } from "../../../core/tokenizer/vocabulary.ts";
import { normalizationCharsmap } from "../../../core/tokenizer/train/normalization.ts";
import { characterOf, length } from "./texts.ts";

let compatibility: Uint8Array | undefined;

/** A character map: none, that of NFKC with cleaned controls, or a few rules of any kind. */
function charsmapOf(dice: Dice, { characters, exact }: { characters: readonly string[]; exact: boolean }): Uint8Array {
  const kind = dice.below(8);
  if (kind < 4) return new Uint8Array(0);
  if (kind === 4 || exact) return compatibility ??= normalizationCharsmap("nmt_nfkc");
  const word = () =>
    Array.from({ length: 1 + dice.below(3) }, () => dice.once(5) ? " " : dice.pick(characters)).join("");
  const rules = new Map<string, string>();
  for (let i = 1 + dice.below(6); i > 0; i--) rules.set(word(), dice.once(4) ? "" : word());
  return compileCharsmap(rules);
}

/** Characters of a vocabulary, most of them of one kind. */
export function alphabetOf(dice: Dice, { settled = false } = {}): string[] {
  const letters = [..."abcde".slice(dice.below(4))];
  for (let i = length(dice, 30); i > 0; i--) letters.push(characterOf(dice, { settled }));
  return [...new Set(letters)].filter((letter) => letter !== "\0" && letter !== " ");
}

/** Names of pieces over an alphabet, without doubles; some begin with the mark of a space or have it inside. */
export function piecesOf(dice: Dice, alphabet: readonly string[]): string[] {
  const names = new Set<string>(dice.once(4) ? [] : ["▁"]);
  for (const letter of alphabet) if (!dice.once(6)) names.add(letter);
  for (let i = length(dice, 150); i > 0; i--) {
    let name = dice.once(3) ? "▁" : "";
    for (let left = 1 + dice.below(6); left > 0; left--) name += dice.once(20) ? "▁" : dice.pick(alphabet);
    names.add(name);
  }
  return [...names];
}

/** A score to the nearest 1/1024, so that sums of 32 and of 64 bits agree; ties are frequent. */
export const scoreOf = (dice: Dice): number => dice.once(8) ? -3 : -dice.below(12 * 1024) / 1024;

function typeOf(dice: Dice): number {
  if (dice.once(30)) return PieceType.userDefined;
  if (dice.once(60)) return PieceType.control;
  return dice.once(60) ? PieceType.unused : PieceType.normal;
}

/** Symbols of characters that are in no other piece, so that nothing competes with them. */
function freshSymbols(dice: Dice, alphabet: readonly string[]): Piece[] {
  const used = new Set([...alphabet, "▁", " ", "\0", ..."<unk></s>0x123456789ABCDEF"]), symbols: Piece[] = [];
  for (let i = dice.below(4); i > 0; i--) {
    const letters = Array.from({ length: 1 + dice.below(3) }, () => characterOf(dice)).filter((one) => !used.has(one));
    if (new Set(letters).size < letters.length || letters.length === 0) continue;
    for (const letter of letters) used.add(letter);
    symbols.push({ piece: letters.join(dice.once(3) ? "▁" : ""), score: 0, type: PieceType.userDefined });
  }
  return symbols;
}

/**
 * A model. `exact`: one that a tokenizer.json can express. Its scores add up without rounding, no control or unused piece has an
 * ordinary name, and nothing competes with its symbols.
 */
export function modelOf(dice: Dice, { exact }: { exact: boolean }): ModelFile {
  const alphabet = alphabetOf(dice), byteFallback = dice.once(2);
  const pieces: Piece[] = [
    { piece: "<unk>", score: 0, type: PieceType.unknown },
    { piece: "<s>", score: 0, type: PieceType.control },
    { piece: "</s>", score: 0, type: PieceType.control },
  ];
  const typed = !dice.once(3);
  for (const piece of piecesOf(dice, alphabet)) {
    const type = typed && !exact ? typeOf(dice) : PieceType.normal;
    const score = exact ? scoreOf(dice) : Math.fround(-dice.below(2 ** 30) / 2 ** 26);
    pieces.push({ piece, score: type === PieceType.normal ? score : 0, type });
  }
  if (exact && typed) pieces.push(...freshSymbols(dice, alphabet));
  for (let byte = 0; byteFallback && byte < 256; byte++) {
    pieces.push({ piece: bytePiece(byte), score: 0, type: PieceType.byte });
  }
  return {
    pieces,
    trainer: {
      ...DEFAULT_TRAINER,
      vocabSize: pieces.length,
      byteFallback,
      whitespaceAsSuffix: dice.once(8),
      unknownSurface: dice.once(3) ? dice.pick(["?", " ", "\ufffd"]) : DEFAULT_TRAINER.unknownSurface,
    },
    normalizer: {
      name: "random",
      charsmap: charsmapOf(dice, { characters: alphabet, exact }),
      addDummyPrefix: dice.once(2),
      removeExtraWhitespaces: dice.once(2),
      escapeWhitespaces: !dice.once(12),
    },
  };
}
