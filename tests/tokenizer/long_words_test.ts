/** Training on long texts without spaces: the sums over paths leave the range of a double. */
import assert from "node:assert/strict";
import { Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { compareBytes, utf8 } from "../../core/tokenizer/bytes.ts";
import { Lattice } from "../../core/tokenizer/train/word_lattice.ts";
import { Lexicon } from "../../core/tokenizer/train/lexicon.ts";
import { Dice } from "../fuzz/dice.ts";
import { logLikelihoodPerCharacter } from "./quality.ts";
import { spmInstalled, spmTrain } from "./spm.ts";

const ignore = !await spmInstalled();

const logAdd = (a: number, b: number) => {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(Math.min(a, b) - high));
};

/** Expected counts of the pieces of a word in logarithms, which have no range to leave. Pieces are ASCII. */
function inLogarithms(word: string, scores: ReadonlyMap<string, number>) {
  const n = word.length, longest = Math.max(...[...scores.keys()].map((piece) => piece.length));
  const edges: { from: number; to: number; piece: string; score: number }[] = [];
  for (let from = 0; from < n; from++) {
    for (let to = from + 1; to <= Math.min(n, from + longest); to++) {
      const piece = word.slice(from, to), score = scores.get(piece);
      if (score !== undefined) edges.push({ from, to, piece, score });
    }
  }
  const forward = new Float64Array(n + 1).fill(-Infinity), backward = new Float64Array(n + 1).fill(-Infinity);
  forward[0] = backward[n] = 0;
  for (const { from, to, score } of edges) forward[to] = logAdd(forward[to]!, forward[from]! + score);
  for (const { from, to, score } of edges.toReversed()) backward[from] = logAdd(backward[from]!, backward[to]! + score);
  const total = forward[n]!, counts = new Map<string, number>();
  for (const { from, to, piece, score } of edges) {
    counts.set(piece, (counts.get(piece) ?? 0) + Math.exp(forward[from]! + score + backward[to]! - total));
  }
  return { total, counts };
}

function inTheLattice(word: string, scores: ReadonlyMap<string, number>) {
  const pieces = [...scores].map(([piece, score]) => ({ bytes: utf8(piece), piece, score }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes));
  const lexicon = new Lexicon(pieces.map(({ bytes }) => bytes), Float64Array.from(pieces, ({ score }) => score));
  const lattice = new Lattice(lexicon), bytes = utf8(word), counts = new Float64Array(pieces.length);
  lattice.read(bytes, { begin: 0, end: bytes.length });
  const total = lattice.expect(counts, { length: bytes.length, count: 1 });
  return { total, counts: new Map(pieces.map(({ piece }, i) => [piece, counts[i]!])) };
}

const letters = (dice: Dice, length: number) => Array.from({ length }, () => "abcd"[dice.below(4)]).join("");

const LATTICES = {
  "like a vocabulary": { least: -12, piece: 16, word: 6000 },
  "of improbable letters": { least: -60, piece: 16, word: 2000 },
  "with pieces of 200 characters, so that neighbours differ by e^4000": { least: -20, piece: 200, word: 1200 },
  "that just leave the range": { least: -12, piece: 8, word: 150 },
};
for (const [name, { least, piece, word }] of Object.entries(LATTICES)) {
  Deno.test(`expected counts of long words are those of logarithms: pieces ${name}`, () => {
    for (let input = 0; input < 10; input++) {
      const dice = new Dice(5, input), text = letters(dice, word - dice.below(word / 2));
      const scores = new Map([..."abcd"].map((letter) => [letter, least * (0.5 + dice.below(100) / 200)]));
      for (let i = 0; i < 40; i++) {
        const from = dice.below(text.length), long = text.slice(from, from + 2 + dice.below(piece - 1));
        if (long.length > 1) scores.set(long, -1 - dice.below(-least));
      }
      const expected = inLogarithms(text, scores), found = inTheLattice(text, scores);
      const near = (a: number, b: number) => Math.abs(a - b) <= 1e-8 * (1 + Math.abs(b));
      assert.ok(near(found.total, expected.total), `${found.total}, expected ${expected.total}`);
      for (const [part, count] of found.counts) {
        assert.ok(near(count, expected.counts.get(part) ?? 0), `${part}: ${count}, ${expected.counts.get(part)}`);
      }
    }
  });
}

/** Texts with long parts without a space. */
function texts(): Record<string, string> {
  const dice = new Dice(9, 0);
  const randomText = (alphabet: string, length: number) =>
    Array.from({ length }, () => alphabet[dice.below(Math.min(alphabet.length, 1 + dice.below(alphabet.length)))])
      .join("");
  const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const words = Array.from({ length: 300 }, () => randomText("etaoinshrdlucmfwyp", 1 + dice.below(9)));
  const prose = Array.from({ length: 3000 }, () => words[dice.below(1 + dice.below(300))]).join(" ");
  const han = Array.from({ length: 120 }, (_, i) => String.fromCodePoint(0x4e00 + 37 * i)).join("");
  return {
    "prose and one long string": `${prose}\n${randomText(base64, 6000)}`,
    "a genome": randomText("ACGT", 20_000),
    "sentences of 500 characters without spaces": Array.from({ length: 40 }, () => randomText(han, 500)).join("。\n"),
    "one period over and over": "abcabcabd".repeat(2000),
    "one character": `${"x".repeat(30_000)}yz`,
  };
}

for (const [name, text] of Object.entries(texts())) {
  Deno.test({
    name: `a text with long parts without spaces is learnt as well as by spm_train: ${name}`,
    ignore,
    fn: async () => {
      const shared = { normalization_rule_name: "identity", add_dummy_prefix: false, remove_extra_whitespaces: false };
      const given = { ...shared, character_coverage: 1, byte_fallback: true };
      let size = 400, theirs = await spmTrain(text, { ...given, vocab_size: size });
      if (typeof theirs === "string") {
        size = Number(/value <= (\d+)/.exec(theirs)?.[1]);
        theirs = await spmTrain(text, { ...given, vocab_size: size });
      }
      assert.ok(typeof theirs !== "string", String(theirs));
      const made = trainTokenizer(text, { vocabSize: size, normalization: "identity", userDefinedSymbols: [] });
      const tokens = (tokenizer: Tokenizer) =>
        text.split("\n").reduce((sum, line) => sum + tokenizer.encode(line).length, 0);
      const model = Tokenizer.fromModelBytes(theirs);
      assert.ok(tokens(made) <= tokens(model) * 1.01, `${tokens(made)} tokens, theirs ${tokens(model)}`);
      // Scores are multiples of 1/1024, which shows where a text is almost certain.
      const own = logLikelihoodPerCharacter(made, text), other = logLikelihoodPerCharacter(model, text);
      assert.ok(own >= other * 1.005 - 1e-4, `${own} nats a character, theirs ${other}`);
      assert.equal(made.decode(made.encode(text)), text);
    },
  });
}
