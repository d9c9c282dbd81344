/** The normalisation rules that training offers, as character maps. */

/** Names of the rules, as in SentencePiece. */
export type Normalization = "identity";

/** The compiled character map of a rule; empty for the identity. */
export function normalizationCharsmap(_rule: Normalization): Uint8Array {
  return new Uint8Array(0);
}
