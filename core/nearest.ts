/** Suggestions for mistyped words. */
import { at } from "./lists.ts";

/** The number of letters to insert, remove or replace to get from one word to the other. */
export function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = at(above, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, at(above, j) + 1, at(row, j - 1) + 1));
    }
    above = row;
  }
  return at(above, to.length);
}

/** Longer words get no suggestion. */
const LONGEST_WORD = 64;

/** The candidate that was most likely meant; undefined if none is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  let best: { candidate: string; distance: number } | undefined;
  const most = Math.max(2, word.length / 3);
  for (const candidate of candidates) {
    // So many letters have to be inserted or removed at least.
    if (Math.abs(word.length - candidate.length) > most) continue;
    const distance = editDistance(word, candidate);
    if (distance <= most && (!best || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** The question after a mistyped word, such as "did you mean …?"; undefined if no candidate is close. */
export function meantHint(word: string, candidates: Iterable<string>): string | undefined {
  const meant = nearest(word, candidates);
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}
