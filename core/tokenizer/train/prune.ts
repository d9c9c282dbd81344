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

/** What happens to the likelihood when a piece goes and its best replacement takes its place. */
function loss(count: number, { alternative, counts, total }: {
  alternative: readonly number[];
  counts: Float64Array;
  total: number;
}): number {
  const logTotal = Math.log(total + count * (alternative.length - 1));
  let after = 0;
  for (const piece of alternative) after += Math.log(counts[piece]! + count) - logTotal;
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
