/** `hymba tokenizer train`: a tokenizer from a text. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice, float, integer, string } from "@optique/core/valueparser";
import { dirname } from "node:path";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import {
  NORMALIZATIONS,
  textBlocks,
  type Tokenizer,
  TokenizerTrainer,
  trainSeedTokenizer,
} from "../../core/tokenizer/mod.ts";
import type { Action } from "../ui/run.ts";
import { fileParts } from "../shared/tokenizer_files.ts";

const options = object("What to train", {
  input: option("--input", string({ metavar: "FILE" }), {
    description: message`text in UTF-8, a sentence or paragraph a line`,
  }),
  vocabSize: withDefault(
    option("--vocab-size", integer({ min: 1, metavar: "N" }), { description: message`number of ids; 4000 by default` }),
    4000,
  ),
  byteFallback: option("--byte-fallback", { description: message`spell characters without a piece as bytes` }),
  characterCoverage: withDefault(
    option("--character-coverage", float({ metavar: "X" }), {
      description: message`share of characters that become pieces; 1 by default`,
    }),
    1,
  ),
  normalization: withDefault(
    option("--normalization", choice([...NORMALIZATIONS]), {
      description: message`lossless by default; identity, nfkc and nmt_nfkc as in SentencePiece`,
    }),
    "lossless" as const,
  ),
  symbols: multiple(
    option("--user-defined-symbols", string({ metavar: "TEXT" }), {
      description: message`a text that is always one token, or several with commas between; \\n by default`,
    }),
  ),
  addDummyPrefix: option("--add-dummy-prefix", { description: message`put a space before every text` }),
  removeExtraWhitespaces: option("--remove-extra-whitespaces", {
    description: message`drop leading, trailing and repeated spaces`,
  }),
  maxPieceLength: withDefault(
    option("--max-piece-length", integer({ min: 1, metavar: "N" }), {
      description: message`characters of the longest piece; 16 by default`,
    }),
    16,
  ),
  profile: optional(
    option("--profile", choice(["seed"]), {
      description: message`seed: the study's lossy tokenizer, with none of the options above but the size`,
    }),
  ),
  out: option("--out", string({ metavar: "PREFIX" }), { description: message`writes PREFIX.model and PREFIX.json` }),
});

type Options = InferValue<typeof options>;

export const tokenizerTrainCommand = command("train", map(options, (given): Action => () => train(given)), {
  brief: message`a tokenizer from a text`,
  description:
    message`Trains a Unigram tokenizer and writes it for SentencePiece and for Hugging Face. Example: hymba tokenizer train --input input.txt --vocab-size 4000 --byte-fallback --out tokenizer`,
});

/** Symbols as given on the command line: commas between, \n, \t, \, and \\ for what cannot be typed. */
export function symbolsOf(given: readonly string[]): string[] {
  const names: Record<string, string> = { n: "\n", t: "\t", r: "\r" };
  return given.flatMap((list) => list.match(/(?:\\[\s\S]|[^,\\])+/g) ?? [])
    .map((symbol) => symbol.replace(/\\([\s\S])/g, (_, letter: string) => names[letter] ?? letter));
}

async function train(given: Options): Promise<void> {
  const start = performance.now();
  const tokenizer = given.profile ? await trainSeed(given) : await trainUnigram(given);
  const seconds = (performance.now() - start) / 1000;
  await makeFolders(systemDisk, dirname(given.out));
  const written = [`${given.out}.json`];
  await writeAtomic(systemDisk, `${given.out}.json`, tokenizer.toJson());
  if (!given.profile) {
    await writeAtomic(systemDisk, `${given.out}.model`, tokenizer.toModelBytes());
    written.unshift(`${given.out}.model`);
  }
  console.error(`${tokenizer.vocabSize} pieces in ${seconds.toFixed(1)} s`);
  for (const path of written) console.log(path);
}

async function trainUnigram(given: Options): Promise<Tokenizer> {
  const { input, vocabSize, byteFallback, characterCoverage, normalization } = given;
  const { symbols, addDummyPrefix, removeExtraWhitespaces, maxPieceLength } = given;
  const trainer = new TokenizerTrainer({
    vocabSize,
    byteFallback,
    characterCoverage,
    normalization,
    userDefinedSymbols: symbols.length > 0 ? symbolsOf(symbols) : ["\n"],
    addDummyPrefix,
    removeExtraWhitespaces,
    maxPieceLength,
    onProgress: ({ round, pieces }) => console.error(`round=${round} pieces=${pieces}`),
  });
  for await (const block of textBlocks(fileParts(input), input)) trainer.addText(block);
  return trainer.finish();
}

async function trainSeed({ input, vocabSize, ...given }: Options): Promise<Tokenizer> {
  if (given.byteFallback || given.symbols.length > 0 || given.normalization !== "lossless") {
    throw new UsageError("--profile seed fixes every option but --input, --vocab-size and --out");
  }
  const blocks: string[] = [];
  for await (const block of textBlocks(fileParts(input), input)) blocks.push(block);
  return trainSeedTokenizer(blocks.join(""), { vocabSize });
}
