/** From counted words to pieces with scores: seeds, rounds of expectation maximisation and pruning, and the final choice. */
import { compareBytes, textOf, utf8 } from "../bytes.ts";
import type { CountedWord, Letter } from "./word_counts.ts";
import { expectationStep, maximisationStep } from "./expectation.ts";
import { Lexicon, type Sentences, toSentences } from "./lexicon.ts";
import { usefulPieces } from "./prune.ts";
import { everySubstring, makeSeeds, type Seed } from "./seeds.ts";

/** The progress of training. */
export interface TrainProgress {
  /** Rounds of expectation, maximisation and pruning, from 1. */
  round: number;
  /** Pieces left; training ends near the requested size. */
  pieces: number;
  /** Natural logarithm of the corpus' probability. */
  logLikelihood: number;
}

/** A trained piece. */
export interface ScoredPiece {
  piece: string;
  /** Natural logarithm of its probability. */
  score: number;
}

/** Where SentencePiece and Hugging Face tokenizers train differently. */
export interface TrainRules {
  /** Whether the weight of a seed counts its occurrences in the text, or in the list of distinct words. */
  seedWeight: "text" | "words";
  /** Whether the last cut keeps the pieces with the best scores, or those whose removal would lose most. */
  lastCut: "score" | "loss";
}

export const SENTENCEPIECE_RULES: TrainRules = { seedWeight: "text", lastCut: "score" };

const SEEDS = 1_000_000, SHRINK = 0.75, ROUNDS_BETWEEN = 2, MARGIN = 1.1;

/** The input and the target of `trainPieces`. */
export interface TrainTask {
  alphabet: readonly Letter[];
  /** Characters that fill the remaining room, the most frequent first. Default none. */
  spare?: readonly Letter[];
  /** Training stops at 1.1 times this many pieces. */
  vocabSize: number;
  /** How many pieces to return. There are fewer if the text has fewer. */
  room: number;
  /** Whether seeds that were pruned fill the remaining room. */
  fills: boolean;
  /** Characters of the longest piece. */
  longest: number;
  rules: TrainRules;
  /** Names of special pieces and bytes, such as `<s>`. A text can have them, but no trained piece may be called so. */
  reserved: ReadonlySet<string>;
  onProgress: ((progress: TrainProgress) => void) | undefined;
}

/** The pieces of a Unigram model for these words: the alphabet and the most useful other pieces, by falling score. */
export function trainPieces(words: readonly CountedWord[], task: TrainTask): ScoredPiece[] {
  const { alphabet, longest, rules, reserved } = task;
  const sentences = toSentences(words, { letters: new Set(alphabet.map(({ character }) => character)) });
  const weighed = rules.seedWeight === "text" ? words : words.map(({ text }) => ({ text, count: 1 }));
  const seedRules = { alphabet, size: Math.max(SEEDS, alphabet.length), longest };
  const free = (seeds: Seed[]) => seeds.filter(({ piece }) => !reserved.has(piece));
  const seeds = free(makeSeeds(weighed, seedRules));
  let pieces = select(shrink(toLexicon(seeds), { sentences, task }), task);
  const fill = (more: () => Seed[]) => {
    if (pieces.length < task.room) pieces = filled(pieces, { seeds: more(), room: task.room });
  };
  fill(() => task.spare?.map(({ character, count }) => ({ piece: character, weight: count })) ?? []);
  if (task.fills) fill(() => seeds);
  if (task.fills) fill(() => free(makeSeeds(weighed, { ...seedRules, mixesScripts: true })));
  if (task.fills) fill(() => free(everySubstring(weighed, seedRules)));
  return pieces;
}

/** Fills the pieces up to `room` with the first seeds that are not among them. These score below all pieces. */
function filled(pieces: ScoredPiece[], { seeds, room }: { seeds: readonly Seed[]; room: number }): ScoredPiece[] {
  const known = new Set(pieces.map(({ piece }) => piece)), lowest = pieces.at(-1)?.score ?? 0;
  const more = seeds.filter(({ piece }) => !known.has(piece)).slice(0, room - pieces.length);
  return [...pieces, ...more.map(({ piece }, i) => ({ piece, score: lowest - (i + 1) / 1024 }))];
}

function toLexicon(seeds: readonly Seed[]): Lexicon {
  const total = Math.log(seeds.reduce((sum, { weight }) => sum + weight, 0));
  const sorted = seeds.map(({ piece, weight }) => ({ bytes: utf8(piece), score: Math.log(weight) - total }));
  sorted.sort((a, b) => compareBytes(a.bytes, b.bytes));
  return new Lexicon(sorted.map(({ bytes }) => bytes), Float64Array.from(sorted, ({ score }) => score));
}

interface Survivors {
  lexicon: Lexicon;
  /** The same pieces, the most useful first. */
  order: string[];
}

/** Rounds of expectation maximisation, and pruning between them, until the size is close to the wanted one. */
function shrink(seeds: Lexicon, { sentences, task }: { sentences: Sentences; task: TrainTask }): Survivors {
  // Hugging Face counts the unknown token among the pieces.
  const others = task.rules.lastCut === "loss" ? 1 : 0;
  const wanted = Math.trunc(task.vocabSize * MARGIN) - others;
  let lexicon = seeds, order = seeds.pieces.map(textOf);
  for (let round = 1;; round++) {
    let logLikelihood = 0;
    for (let i = 0; i < ROUNDS_BETWEEN; i++) {
      const expectation = expectationStep(lexicon, sentences);
      maximisationStep(lexicon, expectation.counts);
      logLikelihood = expectation.logLikelihood;
    }
    const alive = lexicon.alive;
    task.onProgress?.({ round, pieces: alive, logLikelihood });
    if (alive <= wanted) return { lexicon, order };
    const size = Math.max(wanted, Math.trunc(SHRINK * (alive + others)) - others);
    const useful = usefulPieces(lexicon, { sentences, size });
    order = useful.map((index) => textOf(lexicon.pieces[index]!));
    lexicon = lexicon.subset(useful);
    if (lexicon.pieces.length >= alive) return { lexicon, order };
  }
}

/** The alphabet and the best of the other pieces, `room` in all, by falling score. */
function select({ lexicon, order }: Survivors, { alphabet, room, rules }: TrainTask): ScoredPiece[] {
  const scores = new Map<string, number>();
  for (const [i, bytes] of lexicon.pieces.entries()) {
    if (lexicon.scores[i]! > -Infinity) scores.set(textOf(bytes), lexicon.scores[i]!);
  }
  const byScore = (a: ScoredPiece, b: ScoredPiece) => b.score - a.score || (a.piece < b.piece ? -1 : 1);
  const scored = (piece: string): ScoredPiece => ({ piece, score: scores.get(piece)! });
  const letters = new Set(alphabet.map(({ character }) => character));
  const others = order.filter((piece) => scores.has(piece) && !letters.has(piece)).map(scored);
  if (rules.lastCut === "score") others.sort(byScore);
  return [...Array.from(letters, scored), ...others.slice(0, room - letters.size)].sort(byScore);
}
