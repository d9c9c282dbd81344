/** `hymba tokenizer inspect`: the pieces of a tokenizer, and statistics on a text. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { basename } from "node:path";
import { systemDisk } from "../../core/disk/mod.ts";
import { counted } from "../../core/errors.ts";
import {
  pieceLengths,
  PieceType,
  type TextStatistics,
  textStatistics,
  type Tokenizer,
} from "../../core/tokenizer/mod.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { jsonOption } from "../shared/options.ts";
import { openTokenizer } from "../shared/open_tokenizer.ts";
import { A_PICTURE, requireOwnFile, writeOwnFile } from "../shared/own_files.ts";
import { fileParts } from "../shared/tokenizer_files.ts";
import { word } from "../shared/value_parsers.ts";
import { printJson } from "../ui/output.ts";

const SHOWN = 10;

const options = object("What to look at", {
  model: option("--model", word("FILE"), {
    description: message`a SentencePiece .model or a Hugging Face tokenizer.json`,
  }),
  input: optional(option("--input", word("FILE"), { description: message`a text for statistics` })),
  picture: optional(
    option("--picture", word("FILE"), {
      description: message`draw the pieces into this PNG file; only an earlier picture of this program is replaced`,
    }),
  ),
  json: jsonOption,
});

export const tokenizerInspectCommand = command("inspect", map(options, (given): Action => () => inspect(given)), {
  brief: message`size, pieces, scores, and statistics on a text`,
  description:
    message`Prints statistics of the pieces of a tokenizer. With --picture it draws them, too. Example: hymba tokenizer inspect --model tokenizer.model --input input.txt`,
});

interface Ranked {
  piece: string;
  id: number;
  score: number;
  /** Occurrences in the text. */
  count?: number;
}

/** Everything that is printed. */
interface Findings {
  pieces: Record<string, number>;
  /** Of ordinary pieces; absent if there are none. */
  scores?: { highest: number; lowest: number };
  longest: Ranked[];
  frequent: Ranked[];
  text?: Omit<TextStatistics, "counts"> & { tokensPerCharacter: number; tokensPerByte: number };
}

function findingsOf(tokenizer: Tokenizer, text: TextStatistics | undefined): Findings {
  const names = Object.entries(PieceType), { pieces } = tokenizer;
  const ranked = pieces.map(({ piece, score }, id): Ranked => ({ piece, id, score, count: text?.counts[id] }));
  const ordinary = ranked.filter(({ id }) => pieces[id]?.type === PieceType.normal);
  const length = ({ piece }: Ranked) => [...piece].length;
  const weight = ({ id, score, count }: Ranked) => count ?? (pieces[id]?.type === PieceType.normal ? score : -Infinity);
  const scores = ordinary.map(({ score }) => score);
  const counted = names.map(([name, type]) => [name, pieces.filter((piece) => piece.type === type).length] as const);
  const { counts: _, ...totals } = text ?? { counts: undefined };
  return {
    pieces: Object.fromEntries([["all", tokenizer.vocabSize], ...counted.filter(([, count]) => count > 0)]),
    scores: scores.length === 0 ? undefined : scores.reduce(({ highest, lowest }, score) => {
      return { highest: Math.max(highest, score), lowest: Math.min(lowest, score) };
    }, { highest: -Infinity, lowest: Infinity }),
    longest: ordinary.toSorted((a, b) => length(b) - length(a) || a.id - b.id).slice(0, SHOWN),
    frequent: ranked.toSorted((a, b) => weight(b) - weight(a) || a.id - b.id).slice(0, SHOWN),
    text: text && {
      ...(totals as Omit<TextStatistics, "counts">),
      tokensPerCharacter: text.tokens / Math.max(1, text.characters),
      tokensPerByte: text.tokens / Math.max(1, text.bytes),
    },
  };
}

function describe({ pieces, scores, longest, frequent, text }: Findings): string {
  const rows = (title: string, list: readonly Ranked[]) => {
    const header = [title, "id", "score", ...(text ? ["count"] : [])];
    return table([
      header,
      ...list.map(({ piece, id, score, count }) => {
        return [JSON.stringify(piece), String(id), score.toFixed(4), ...(text ? [String(count)] : [])];
      }),
    ]);
  };
  const lines = [
    `pieces     ${Object.entries(pieces).map(([name, count]) => `${name} ${count}`).join(", ")}`,
    `scores     ${scores ? `${scores.highest.toFixed(4)} to ${scores.lowest.toFixed(4)}` : "none"}`,
  ];
  if (text) {
    lines.push(
      `text       ${counted(text.characters, "character")}, ${counted(text.bytes, "byte")}, ${
        counted(text.tokens, "token")
      }`,
      `tokens     ${text.tokensPerCharacter.toFixed(4)} per character, ${text.tokensPerByte.toFixed(4)} per byte`,
      `unknown    ${counted(text.unknowns, "unknown token")}, ${counted(text.byteTokens, "byte token")}`,
    );
  }
  return [...lines, "", rows("longest", longest), "", rows(text ? "most frequent" : "likeliest", frequent)].join("\n");
}

/** Share of each piece in percent, largest first: counted on the text, or by the model's own scores. */
function shares(tokenizer: Tokenizer, text: TextStatistics | undefined): number[] {
  const weights = text
    ? [...text.counts]
    : tokenizer.pieces.map(({ score, type }) => type === PieceType.normal ? Math.exp(score) : 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => total > 0 ? 100 * weight / total : 0).sort((a, b) => b - a);
}

async function draw(path: string, { model, input, tokenizer, text }: {
  model: string;
  input: string | undefined;
  tokenizer: Tokenizer;
  text: TextStatistics | undefined;
}): Promise<void> {
  // Loaded here, because charts are slow to load and no other tokenizer command needs them.
  const { tokenizerChart } = await import("../../core/report/tokenizer_chart.ts");
  const png = await tokenizerChart({
    name: basename(model),
    vocabSize: tokenizer.vocabSize,
    source: input === undefined ? "by the model's own probabilities" : `counted on ${basename(input)}`,
    shares: shares(tokenizer, text),
    lengths: pieceLengths(tokenizer),
  });
  await writeOwnFile(systemDisk, path, { content: png });
}

async function inspect({ model, input, picture, json }: InferValue<typeof options>): Promise<void> {
  if (picture !== undefined) await requireOwnFile(systemDisk, picture, [picture, A_PICTURE]);
  const tokenizer = await openTokenizer(model);
  const text = input === undefined
    ? undefined
    : await textStatistics(tokenizer, { parts: fileParts(input), name: input });
  const found = findingsOf(tokenizer, text);
  if (picture !== undefined) await draw(picture, { model, input, tokenizer, text });
  if (json) printJson("tokenizer inspect", { ...found, written: picture === undefined ? [] : [picture] });
  else console.log(`${describe(found)}${picture === undefined ? "" : `\n\npicture    ${picture}`}`);
}
