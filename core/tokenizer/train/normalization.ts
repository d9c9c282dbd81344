/**
 * The normalisation rules that training offers, compiled into character maps. `nfkc` is Unicode's compatibility composition
 * as this machine's Unicode tables have it; `nmt_nfkc` is the same with SentencePiece's rules for controls and spaces.
 */
import { compileCharsmap } from "../charsmap.ts";
import { MARK_ESCAPE } from "../mark_escape.ts";

/** Names of the rules: "lossless" is the identity that also keeps U+2581, the others are SentencePiece's. */
export const NORMALIZATIONS = ["lossless", "identity", "nfkc", "nmt_nfkc"] as const;
/** The normalisation of a text before it is cut into pieces; see docs/tokenizer.md. */
export type Normalization = (typeof NORMALIZATIONS)[number];

const DELETED: [number, number][] = [[0x01, 0x08], [0x0b, 0x0b], [0x0e, 0x1f], [0x7f, 0x7f], [0x8f, 0x8f], [
  0x9f,
  0x9f,
]];
const SPACES = "\t\n\f\r\u1680\u200b\u200c\u200e\u200f\u2028\u2029\u2581\ufeff\ufffd";
const FULLWIDTH_TILDE = "\uff5e";
const HANGUL = { first: 0xac00, last: 0xd7a3, trailing: 28 };

/** The compiled character map of a rule; empty for the identity. */
export function normalizationCharsmap(rule: Normalization): Uint8Array {
  if (rule === "identity") return new Uint8Array(0);
  if (rule === "lossless") return MARK_ESCAPE.charsmap;
  const rules = compatibilityRules();
  if (rule === "nmt_nfkc") {
    for (const [first, last] of DELETED) {
      for (let code = first; code <= last; code++) rules.set(String.fromCodePoint(code), "");
    }
    for (const space of SPACES) rules.set(space, " ");
    rules.delete(FULLWIDTH_TILDE);
  }
  return compileCharsmap(rules);
}

/** Characters that NFKC changes, and the sequences that it composes. */
function compatibilityRules(): Map<string, string> {
  const rules = new Map<string, string>();
  for (let code = 1; code <= 0x10ffff; code++) {
    if (code === 0xd800) code = 0xe000;
    const character = String.fromCodePoint(code), normal = character.normalize("NFKC");
    if (normal !== character) rules.set(character, normal);
    if (character.normalize("NFD") === character) continue;
    for (const sequence of sequencesOf(character, code)) {
      if (sequence !== character && sequence.normalize("NFKC") === normal) rules.set(sequence, normal);
    }
  }
  return rules;
}

/** Other sequences for a character that has a decomposition: its parts in any order, some of them composed. */
function sequencesOf(character: string, code: number): string[] {
  const parts = [...character.normalize("NFD")];
  if (code >= HANGUL.first && code <= HANGUL.last) {
    const open = code - (code - HANGUL.first) % HANGUL.trailing;
    return [parts.join(""), String.fromCodePoint(open) + (parts[2] ?? "")];
  }
  const [base, ...marks] = parts, found: string[] = [];
  for (const order of permutations(marks)) {
    for (let composed = 0; composed < order.length; composed++) {
      const head = (base! + order.slice(0, composed).join("")).normalize("NFC");
      found.push(head + order.slice(composed).join(""));
    }
  }
  return found;
}

function permutations(items: readonly string[]): string[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
