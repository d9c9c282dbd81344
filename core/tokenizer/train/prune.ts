/**
 * Which pieces a Unigram model can do without. Source: SentencePiece, `unigram_model_trainer.cc` (`PruneSentencePieces`).
 */
import { Lattice } from "./lattice.ts";
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
 * What the likelihood loses when a piece goes and its best replacement takes its place.
 *
 * With `count` more of every token in the replacement the total grows too. As in SentencePiece it is taken to grow by one
 * `count` for every piece of the lexicon, not only for those of the replacement: that makes a replacement dearer by the number
 * of its tokens, keeps longer pieces, and gives fewer tokens at the same likelihood (measured: docs/decisions.md).
 */
function loss(count: number, { alternative, counts, total }: {
  alternative: readonly number[];
  counts: Float64Array;
  total: number;
}): number {
  const grown = Math.log(total + count * (counts.length - 1));
  const after = alternative.reduce((sum, piece) => sum + Math.log(counts[piece]! + count) - grown, 0);
  return count * (Math.log(count) - Math.log(total) - after);
}

/** The lexicon without its least useful pieces, at least `size` of them left where so many are useful. */
export function prune(lexicon: Lexicon, { sentences, size }: { sentences: Sentences; size: number }): Lexicon {
  const { pieces, scores } = lexicon, counts = bestCounts(lexicon, sentences);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const lattice = new Lattice(lexicon), alternative: number[] = [];
  const keep = new Set<number>(), candidates: { index: number; loss: number }[] = [];
  for (let index = 0; index < pieces.length; index++) {
    const bytes = pieces[index]!, count = counts[index]!;
    if (lexicon.isLetter(index)) keep.add(index);
    if (lexicon.isLetter(index) || count === 0) continue;
    lattice.read(bytes, { begin: 0, end: bytes.length, without: index });
    const other = lattice.best(bytes.length, alternative);
    if (other <= scores[index]!) candidates.push({ index, loss: loss(count, { alternative, counts, total }) });
  }
  candidates.sort((a, b) => b.loss - a.loss || a.index - b.index);
  for (const { index } of candidates.slice(0, Math.max(0, size - keep.size))) keep.add(index);
  return lexicon.filter((index) => keep.has(index));
}
