/**
 * Expectation maximisation for a Unigram model. Source: SentencePiece, `unigram_model_trainer.cc` (`RunEStep`, `RunMStep`);
 * the digamma in place of the logarithm is the variational Bayes step of Liang and others, 2007. It favours small
 * vocabularies.
 */
import { Lattice } from "./word_lattice.ts";
import type { Lexicon, Sentences } from "./lexicon.ts";

/**
 * Pieces that are expected less often are removed. Characters stay, because without them some words would have no
 * segmentation.
 */
const FEWEST = 0.5;

/** The derivative of ln Γ(x) for x > 0: recurrence up to 7, then the asymptotic series about x - 1/2. */
export function digamma(x: number): number {
  let value = 0, at = x;
  for (; at < 7; at++) value -= 1 / at;
  const y = at - 0.5, inverse = 1 / (y * y);
  return value + Math.log(y) +
    inverse * (1 / 24 - inverse * (7 / 960 - inverse * (31 / 8064 - inverse * (127 / 30720))));
}

/** The result of one expectation step. */
export interface Expectation {
  /** Expected occurrences of each piece. */
  counts: Float64Array;
  /** Natural logarithm of the probability of all sentences. */
  logLikelihood: number;
}

/** Expected occurrences of every piece over all segmentations of all sentences. */
export function expectationStep(lexicon: Lexicon, { bytes, starts, counts }: Sentences): Expectation {
  const lattice = new Lattice(lexicon), expected = new Float64Array(lexicon.pieces.length);
  let logLikelihood = 0;
  for (let i = 0; i < counts.length; i++) {
    const begin = starts[i]!, end = starts[i + 1]!, count = counts[i]!;
    lattice.read(bytes, { begin, end });
    logLikelihood += count * lattice.expect(expected, { length: end - begin, count });
  }
  return { counts: expected, logLikelihood };
}

/** New scores from expected counts, written into the lexicon. */
export function maximisationStep(lexicon: Lexicon, counts: Float64Array): void {
  const kept = counts.map((count, i) => count >= FEWEST ? count : lexicon.isLetter(i) ? FEWEST : 0);
  const norm = digamma(kept.reduce((sum, count) => sum + count, 0));
  for (const [i, count] of kept.entries()) lexicon.scores[i] = count > 0 ? digamma(count) - norm : -Infinity;
}
