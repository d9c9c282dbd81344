/** How a text is split into parts: training, development (called validation in files and flags) and test. */
import type { SplitConfig } from "../config/mod.ts";

export const PARTS = ["train", "validation", "test"] as const;
/** train: for training. validation: all choices are made by its results. test: evaluated once, after all training. */
export type PartName = typeof PARTS[number];

/** How large the parts are and how they lie in the text. */
export interface SplitRule {
  readonly trainFraction: number;
  /** If absent, the text has two parts, training and validation. */
  readonly split?: SplitConfig;
}

/** A piece of the text that belongs to one part, from `start` to `end` (UTF-16 units). */
export interface TextPiece {
  readonly part: PartName;
  readonly start: number;
  readonly end: number;
}

/** Largest rounding error of a sum of shares. */
const ROUNDING = 1e-9;

/** The share of the text of each part. */
export function sharesOf({ trainFraction, split }: SplitRule): Readonly<Record<PartName, number>> {
  const test = split?.testFraction ?? 0;
  return { train: trainFraction, validation: Math.max(0, 1 - trainFraction - test), test };
}

/** Training, validation and test as one piece each, in this order. */
function contiguous(length: number, rule: SplitRule): TextPiece[] {
  const train = Math.floor(length * rule.trainFraction);
  const validation = length - Math.floor(length * sharesOf(rule).test);
  return [
    { part: "train", start: 0, end: train },
    { part: "validation", start: train, end: validation },
    { part: "test", start: validation, end: length },
  ];
}

/**
 * Blocks of equal length. Each block goes to the part that lacks most of its share, so every part has blocks from the whole
 * text. In a short text the blocks are shorter, so that even the smallest part has one. The split is the same for all seeds.
 */
function interleaved(length: number, rule: SplitRule, blockCharacters: number): TextPiece[] {
  const shares = sharesOf(rule), smallest = Math.min(...Object.values(shares).filter((share) => share > ROUNDING));
  const count = Math.max(Math.round(length / blockCharacters), Math.ceil(1 / smallest - ROUNDING));
  const given: Record<PartName, number> = { train: 0, validation: 0, test: 0 };
  return Array.from({ length: count }, (_, i) => {
    const behind = (part: PartName) => shares[part] * (i + 1) - given[part];
    const part = PARTS.reduce((most, one) => behind(one) > behind(most) ? one : most);
    given[part]++;
    return { part, start: Math.floor(i * length / count), end: Math.floor((i + 1) * length / count) };
  });
}

/** Joins neighbouring pieces of the same part and removes empty pieces. */
function joined(pieces: readonly TextPiece[]): TextPiece[] {
  const found: TextPiece[] = [];
  for (const piece of pieces.filter(({ start, end }) => end > start)) {
    const last = found.at(-1);
    if (last?.part === piece.part) found[found.length - 1] = { ...last, end: piece.end };
    else found.push(piece);
  }
  return found;
}

/** The pieces of a text of `length` UTF-16 units, in order. At each border both pieces lose the characters of the gap. */
export function piecesOf(length: number, rule: SplitRule): TextPiece[] {
  const { kind = "contiguous", blockCharacters = length, gapCharacters = 0 } = rule.split ?? {};
  const whole = joined(kind === "contiguous" ? contiguous(length, rule) : interleaved(length, rule, blockCharacters));
  return whole.map(({ part, start, end }, i) => ({
    part,
    start: i === 0 ? start : start + gapCharacters,
    end: i === whole.length - 1 ? end : end - gapCharacters,
  })).filter(({ start, end }) => end > start);
}

/** Whether a study has a test part. */
export const hasTest = ({ split }: Pick<SplitRule, "split">): boolean =>
  split !== undefined && (split.testFraction > 0 || (split.separate?.includes("test") ?? false));

/** `place`, or the next place if this one would divide a surrogate pair. */
export function cutAt(text: string, place: number): number {
  const unit = text.charCodeAt(place);
  return unit >= 0xdc00 && unit < 0xe000 ? place + 1 : place;
}

/** The texts of each part, in the order of the whole text. No surrogate pair is divided. */
export function splitText(text: string, rule: SplitRule): Readonly<Record<PartName, readonly string[]>> {
  const found: Record<PartName, string[]> = { train: [], validation: [], test: [] };
  for (const { part, start, end } of piecesOf(text.length, rule)) {
    found[part].push(text.slice(cutAt(text, start), cutAt(text, end)));
  }
  return found;
}
