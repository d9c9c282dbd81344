/** The picture of a tokenizer: the share of its pieces by rank, and their lengths. */
import { at } from "../lists.ts";
import { ACCENT, faded } from "./palette.ts";
import { barPlot } from "./chart/bars.ts";
import { linePlot } from "./chart/lines.ts";
import { drawSheet } from "./chart/sheet.ts";
import { spreadOf } from "./summary.ts";

/** The data of the picture. */
export interface TokenizerFigures {
  /** File name of the tokenizer. */
  name: string;
  vocabSize: number;
  /** The source of the shares, for the caption: a file, or the model's own probabilities. */
  source: string;
  /** Share of each piece in percent, largest first. Pieces with a share of zero are not drawn. */
  shares: readonly number[];
  /** Pieces by number of characters: `lengths[n]` have n. */
  lengths: readonly number[];
}

const RANKS_SHOWN = 120;

/** Ranks from 1 to `last`, evenly spaced on a logarithmic axis. None if `last` is 0. */
function logRanks(last: number): number[] {
  if (last === 0) return [];
  const ranks = Array.from({ length: RANKS_SHOWN }, (_, i) => Math.round(last ** (i / (RANKS_SHOWN - 1))));
  return [...new Set(ranks)];
}

/** Draws the picture. Returns the bytes of a PNG. */
export function tokenizerChart({ name, vocabSize, source, shares, lengths }: TokenizerFigures): Promise<Uint8Array> {
  const look = { colour: ACCENT, marker: "circle" as const, rotation: 0 };
  const ranked = shares.filter((share) => share > 0);
  const points = logRanks(ranked.length).map((rank) => {
    const share = at(ranked, rank - 1);
    return { step: rank, spread: { mean: share, low: share, high: share, deviation: undefined, count: 1 } };
  });
  const shown = lengths.map((count, length) => ({ count, length })).slice(1);
  return drawSheet({
    title: `Tokenizer ${name}`,
    subtitle: `${vocabSize} pieces`,
    footer: source,
    columns: 2,
    cellHeight: 420,
    cells: [
      {
        title: "Share of tokens by rank",
        subtitle: "percent of all tokens; both axes logarithmic",
        plot: linePlot([{ points, look }], {
          x: { title: "rank of the piece", log: true },
          y: { title: "% of tokens", log: true },
        }),
      },
      {
        title: "Length of pieces",
        subtitle: "characters, including the space marker",
        plot: barPlot({ names: shown.map(({ length }) => String(length)), looks: shown.map(() => look) }, {
          x: { title: "pieces", suggestedMax: 1.1 * Math.max(...lengths) },
          series: [{
            values: shown.map(({ count }) => spreadOf([count])),
            fill: () => faded(ACCENT, 0.35),
            text: ({ mean }) => String(mean),
          }],
        }),
      },
    ],
  });
}
