/**
 * Finds the pieces that a Unigram model needs least. Source: SentencePiece, `unigram_model_trainer.cc`
 * (`PruneSentencePieces`).
 */
import { Lattice } from "./word_lattice.ts";
import type { Lexicon, Sentences } from "./lexicon.ts";

/** How often each piece is in the best segmentation of the sentences. */
function bestCounts(lexicon: Lexicon, { bytes, starts, counts }: Sentences): Float64Array {
  const lattice = new Lattice(lexicon), found = new Float64Array(lexicon.pieces.length), path: number[] = [];
  for (let i = 0; i < counts.length; i++) {
    const begin = starts[i]!, end = starts[i + 1]!;
    lattice.read(bytes, { begin, end });
    lattice.best(end - begin, path);
    for (const piece of path) found[piece]! += counts[i]!;
  }
  return found;
}

/**
 * How much the log-likelihood falls when a piece is replaced by its best alternative.
 *
 * Each token of the alternative gets `count` more occurrences, so their total grows. As in SentencePiece, the new total is
 * computed as if every remaining piece got `count` more. This makes an alternative of many tokens cost more, so longer pieces
 * are kept, and a text gets fewer tokens at the same likelihood (measured: docs/tokenizer.md).
 */
function loss(count: number, { alternative, counts, total, alive }: {
  alternative: readonly number[];
  counts: Float64Array;
  total: number;
  alive: number;
}): number {
  const grown = Math.log(total + count * (alive - 1));
  const after = alternative.reduce((sum, piece) => sum + Math.log(counts[piece]! + count) - grown, 0);
  return count * (Math.log(count) - Math.log(total) - after);
}

/**
 * The most useful pieces of a lexicon: all characters, then the others by falling loss. There are at most `size`.
 */
export function usefulPieces(lexicon: Lexicon, { sentences, size }: { sentences: Sentences; size: number }): number[] {
  const { pieces, scores } = lexicon, counts = bestCounts(lexicon, sentences);
  const total = counts.reduce((sum, count) => sum + count, 0), alive = lexicon.alive;
  const lattice = new Lattice(lexicon), alternative: number[] = [];
  const letters: number[] = [], candidates: { index: number; loss: number }[] = [];
  for (const [index, bytes] of pieces.entries()) {
    const count = counts[index]!;
    if (lexicon.isLetter(index)) letters.push(index);
    if (lexicon.isLetter(index) || count === 0) continue;
    lattice.read(bytes, { begin: 0, end: bytes.length, without: index });
    const other = lattice.best(bytes.length, alternative);
    if (other > scores[index]!) continue;
    candidates.push({ index, loss: loss(count, { alternative, counts, total, alive }) });
  }
  candidates.sort((a, b) => b.loss - a.loss || a.index - b.index);
  return [...letters, ...candidates.slice(0, Math.max(0, size - letters.length)).map(({ index }) => index)];
}
