/** The pieces of a text, in memory or not, part by part. */
import { charactersOf, type Corpus } from "./corpus.ts";
import { cutAt, type PartName, piecesOf, type TextPiece } from "./split.ts";
import type { DataRule } from "./study_data.ts";

/** A text and the pieces that it is cut into. */
export interface SplitSource {
  readonly corpus: Corpus;
  readonly pieces: readonly TextPiece[];
}

/** The main text in its pieces, then the files that are whole parts. */
export function sourcesOf(corpus: Corpus, rule: DataRule): SplitSource[] {
  const length = Math.min(charactersOf(corpus), rule.characters ?? Infinity);
  const others = Object.entries(corpus.separate ?? {}).map(([name, other]): SplitSource => ({
    corpus: other,
    pieces: [{ part: name as PartName, start: 0, end: charactersOf(other) }],
  }));
  return [{ corpus, pieces: piecesOf(length, rule) }, ...others];
}

async function* partsOf({ text, stream }: Corpus): AsyncGenerator<string> {
  if (text !== undefined) yield text;
  else if (stream) yield* stream.parts();
}

/** The text of each piece in parts. The pieces are those of `splitText`, and no surrogate pair is divided. */
export async function* piecesOfText(
  { corpus, pieces }: SplitSource,
): AsyncGenerator<{ readonly piece: number; readonly text: string }> {
  let from = 0, piece = 0;
  for await (const text of partsOf(corpus)) {
    const to = from + text.length;
    for (;;) {
      const own = pieces[piece];
      if (own === undefined) return;
      if (own.start < to) {
        const start = cutAt(text, Math.max(0, own.start - from)),
          end = cutAt(text, Math.min(text.length, own.end - from));
        if (end > start) yield { piece, text: text.slice(start, end) };
      }
      if (own.end > to) break;
      piece++;
    }
    from = to;
  }
}
