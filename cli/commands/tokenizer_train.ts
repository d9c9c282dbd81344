/** `hymba tokenizer train`: a tokenizer from a text. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice, float, integer } from "@optique/core/valueparser";
import { dirname, join, sep as SEPARATOR } from "node:path";
import { makeFolders, systemDisk, writeAtomic } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import {
  isOwnModelFile,
  NORMALIZATIONS,
  textBlocks,
  type Tokenizer,
  TokenizerTrainer,
  trainSeedTokenizer,
} from "../../core/tokenizer/mod.ts";
import type { Action } from "../ui/run.ts";
import { fileParts } from "../shared/tokenizer_files.ts";
import { jsonOption } from "../shared/options.ts";
import { word } from "../shared/value_parsers.ts";
import { requireOwnFile } from "../shared/own_files.ts";
import { printJson } from "../ui/output.ts";
import { say } from "../ui/say.ts";

const options = object("What to train", {
  input: option("--input", word("FILE"), {
    description: message`text in UTF-8, a sentence or paragraph a line`,
  }),
  vocabSize: withDefault(
    option("--vocab-size", integer({ min: 1, metavar: "N" }), { description: message`number of ids; 4000 by default` }),
    4000,
  ),
  byteFallback: option("--byte-fallback", { description: message`encode characters without a piece as bytes` }),
  characterCoverage: optional(
    option("--character-coverage", float({ metavar: "X" }), {
      description:
        message`share of characters that become pieces; by default 1, or with --byte-fallback as many as fit`,
    }),
  ),
  normalization: withDefault(
    option("--normalization", choice([...NORMALIZATIONS]), {
      description: message`lossless by default; identity, nfkc and nmt_nfkc as in SentencePiece`,
    }),
    "lossless" as const,
  ),
  symbols: multiple(
    option("--user-defined-symbols", word("TEXT"), {
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
      description:
        message`seed: the documented study's lossy tokenizer; of the options above only --vocab-size is allowed`,
    }),
  ),
  out: option("--out", word("PREFIX|DIR"), {
    description:
      message`writes PREFIX.model and PREFIX.json, or into the folder DIR tokenizer.model and tokenizer.json`,
  }),
  json: jsonOption,
});

type Options = InferValue<typeof options>;

export const tokenizerTrainCommand = command("train", map(options, (given): Action => () => train(given)), {
  brief: message`a tokenizer from a text`,
  description:
    message`Trains a Unigram tokenizer and writes it for SentencePiece and for Hugging Face. Example: hymba tokenizer train --input input.txt --vocab-size 4000 --byte-fallback --out tokenizer`,
});

/** Symbols from the command line: separated by commas, with the escapes \n, \t, \, and \\. */
export function symbolsOf(given: readonly string[]): string[] {
  const names: Record<string, string> = { n: "\n", t: "\t", r: "\r" };
  return given.flatMap((list) => list.match(/(?:\\[\s\S]|[^,\\])+/g) ?? [])
    .map((symbol) => symbol.replace(/\\([\s\S])/g, (_, letter: string) => names[letter] ?? letter));
}

/** The prefix of the files to write. In a folder the files are called `tokenizer`. */
async function prefixOf(out: string): Promise<string> {
  const isFolder = out.endsWith("/") || out.endsWith(SEPARATOR) || (await systemDisk.stat(out))?.kind === "folder";
  return isFolder ? join(out, "tokenizer") : out;
}

/** How a tokenizer.json of this program begins: of `toJson`, and of the seed profile. */
const JSON_START = /^\{(\n "version": "1\.0",\n "truncation": null,\n|"version":"1\.0",.*?"content":"<\|unk\|>")/;
/** Matches nothing: models have no start of their own, and are compared as a whole. */
const NO_START = /(?!)/;
/** Largest model that is compared, in bytes. No trained one is as large. */
const LARGEST = 2 ** 28;

/** Throws a UsageError where files of these names are not tokenizers that this program trained. */
async function requireOwnTokenizers(json: string, model: string | undefined): Promise<void> {
  await requireOwnFile(systemDisk, json, [json, "", JSON_START]);
  if (model === undefined) return;
  const found = await systemDisk.stat(model);
  const canBeOwn = found?.kind === "file" && found.bytes <= LARGEST;
  if (canBeOwn && isOwnModelFile(await systemDisk.read(model))) return;
  await requireOwnFile(systemDisk, model, [model, "", NO_START]);
}

async function train(given: Options): Promise<void> {
  const start = performance.now(), out = await prefixOf(given.out);
  await requireOwnTokenizers(`${out}.json`, given.profile ? undefined : `${out}.model`);
  const tokenizer = given.profile ? await trainSeed(given) : await trainUnigram(given);
  const seconds = (performance.now() - start) / 1000;
  await makeFolders(systemDisk, dirname(out));
  const written = [`${out}.json`];
  await writeAtomic(systemDisk, `${out}.json`, tokenizer.toJson());
  if (!given.profile) {
    await writeAtomic(systemDisk, `${out}.model`, tokenizer.toModelBytes());
    written.unshift(`${out}.model`);
  }
  const { characterCoverage: coverage } = tokenizer;
  if (coverage < 1 && given.characterCoverage === undefined) {
    say(`character coverage ${(100 * coverage).toFixed(2)} %: rare characters become bytes`);
  }
  say(`${tokenizer.vocabSize} pieces in ${seconds.toFixed(1)} s`);
  if (given.json) {
    const { vocabSize } = tokenizer;
    return printJson("tokenizer train", { written, pieces: vocabSize, coverage, train_s: seconds });
  }
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
    onProgress: ({ round, pieces }) => say(`round=${round} pieces=${pieces}`),
  });
  for await (const block of textBlocks(fileParts(input), input)) trainer.addText(block);
  return trainer.finish();
}

async function trainSeed({ input, vocabSize, ...given }: Options): Promise<Tokenizer> {
  if (given.byteFallback || given.symbols.length > 0 || given.normalization !== "lossless") {
    throw new UsageError("--profile seed allows only the options --input, --vocab-size and --out");
  }
  const blocks: string[] = [];
  for await (const block of textBlocks(fileParts(input), input)) blocks.push(block);
  return trainSeedTokenizer(blocks.join(""), { vocabSize });
}
