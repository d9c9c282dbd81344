/** Classifies each predicted token: by the earlier tokens of its sequence, its position, and its frequency. */
import { type Part, piecesIn, predictedTokens, type Tokens, tokensIn } from "../data/parts.ts";
import { at, mean } from "../lists.ts";

/** A classification of all tokens. Each token has exactly one kind. */
export interface KindGroup {
  readonly title: string;
  readonly kinds: readonly string[];
  /** The kind of each predicted token, in the order of the losses. */
  readonly codes: Uint8Array;
}

/** The data that the kinds are computed from. */
export interface KindSources {
  readonly part: Pick<Part, "tokens" | "starts">;
  /** Training tokens, which determine the frequencies. */
  readonly train: Tokens;
  /** T: a model sees at most the tokens of its sequence. */
  readonly T: number;
  /** The text of a token. */
  textOf(id: number): string;
}

/** A predicted token, with facts about the earlier tokens of its sequence. */
interface Place {
  readonly id: number;
  readonly previous: number;
  /** Number of tokens before it in its sequence; 1 for the first prediction. */
  readonly position: number;
  /** Distance to the last occurrence of the same token in the sequence; undefined if there is none. */
  readonly distance?: number;
  /** Whether the previous token occurred earlier in the sequence, and whether this token followed it there. */
  readonly previousSeen: boolean;
  readonly pairSeen: boolean;
}

/** All predicted tokens in the order of the losses: piece by piece, in sequences of T, as they are evaluated. */
function* placesIn({ part, T }: Pick<KindSources, "part" | "T">): Generator<Place> {
  const { tokens } = part;
  for (const [start, end] of piecesIn(part)) {
    for (let from = start; from < end - 1; from += T) {
      const last = new Map<number, number>([[at(tokens, from), from]]), inputs = new Set<number>();
      const pairs = new Set<string>();
      for (let i = from + 1; i <= Math.min(from + T, end - 1); i++) {
        const id = at(tokens, i), previous = at(tokens, i - 1), pair = `${previous} ${id}`, before = last.get(id);
        yield {
          id,
          previous,
          position: i - from,
          distance: before === undefined ? undefined : i - before,
          previousSeen: inputs.has(previous),
          pairSeen: pairs.has(pair),
        };
        inputs.add(previous);
        pairs.add(pair);
        last.set(id, i);
      }
    }
  }
}

/** Upper ends of the ranges of distances and positions. */
const RANGES = [1, 4, 16, 64, 256];

/** The ranges up to `most`: their names, and a function that finds the range of a number. */
function ranges(most: number): { words: string[]; of(value: number): number } {
  const ends = [...RANGES.filter((end) => end < most), most];
  const words = ends.map((end, i) => {
    const least = (ends[i - 1] ?? 0) + 1;
    return least === end ? String(end) : `${least} to ${end}`;
  });
  return { words, of: (value) => ends.findIndex((end) => value <= end) };
}

/** Shares of all training tokens: the most frequent tokens that make up a half, and the rarest that make up a tenth. */
const FREQUENT = 0.5, RARE = 0.1;

/** The frequency class of a token: 0 for the most frequent, 1 for the middle, 2 for the rarest. */
function rarityOf(train: Tokens): (id: number) => number {
  const counts = new Map<number, number>();
  for (const id of tokensIn(train)) counts.set(id, (counts.get(id) ?? 0) + 1);
  const kinds = new Map<number, number>();
  let seen = 0;
  for (const [id, count] of [...counts].toSorted(([a, m], [b, n]) => n - m || a - b)) {
    kinds.set(id, seen < FREQUENT * train.length ? 0 : seen < (1 - RARE) * train.length ? 1 : 2);
    seen += count;
  }
  return (id) => kinds.get(id) ?? 2;
}

/** A group before its codes are filled in. */
interface Sorting {
  readonly title: string;
  readonly kinds: readonly string[];
  of(place: Place): number;
}

function sortings({ train, T, textOf }: KindSources): Sorting[] {
  const distances = ranges(T), positions = ranges(T), rarity = rarityOf(train), lines = new Map<number, boolean>();
  const endsLine = (id: number) => {
    const known = lines.get(id) ?? textOf(id).endsWith("\n");
    lines.set(id, known);
    return known;
  };
  return [
    {
      title: "the pair of this token and the one before it",
      kinds: ["seen in this sequence", "first part seen, other second part", "first part not seen"],
      of: ({ pairSeen, previousSeen }) => pairSeen ? 0 : previousSeen ? 1 : 2,
    },
    {
      title: "distance from the last same token",
      kinds: ["first occurrence", ...distances.words.map((words) => `${words} back`)],
      of: ({ distance }) => distance === undefined ? 0 : 1 + distances.of(distance),
    },
    {
      title: "place in the sequence",
      kinds: positions.words.map((words) => `token ${words}`),
      of: ({ position }) => positions.of(position),
    },
    {
      title: "line",
      kinds: ["first token of a line", "later in a line"],
      of: ({ previous }) => endsLine(previous) ? 0 : 1,
    },
    {
      title: "how often the token is trained on",
      kinds: ["frequent (half of all tokens)", "between", "rare (the last tenth)"],
      of: ({ id }) => rarity(id),
    },
  ];
}

/** The kinds of all predicted tokens. A group keeps kinds without tokens. */
export function tokenKinds(sources: KindSources): KindGroup[] {
  const all = sortings(sources),
    groups = all.map(({ title, kinds }) => ({
      title,
      kinds,
      codes: new Uint8Array(predictedTokens(sources.part)),
    }));
  let i = 0;
  for (const place of placesIn(sources)) {
    for (const [g, { of }] of all.entries()) at(groups, g).codes[i] = of(place);
    i++;
  }
  return groups;
}

/** 1 where a token is of a kind, else 0. */
export const whereIs = ({ codes }: KindGroup, kind: number): Uint8Array => codes.map((code) => code === kind ? 1 : 0);

/** The mean of the losses of one kind; undefined where there is no such token. */
export function meanOfKind(nats: Float32Array, where: Uint8Array): number | undefined {
  const own = nats.filter((_, i) => where[i] === 1);
  return own.length > 0 ? mean(own) : undefined;
}
