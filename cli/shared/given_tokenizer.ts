/** The tokenizer that a study names instead of one that is trained on its text. */
import { basename } from "node:path";
import { UsageError } from "../../core/errors.ts";
import type { GivenTokenizer } from "../../core/study/fitted.ts";
import { faultAt, type Values } from "../../core/study_file/mod.ts";
import { byteTokenizer, Tokenizer } from "../../core/tokenizer/mod.ts";
import { pathFrom } from "./study_files.ts";
import { readTokenizerFile } from "./tokenizer_files.ts";

/**
 * Reads the file that `data.tokenizer` names, which exists, from the folder of the study file. Undefined for `bytes`, and without the key.
 */
export async function givenTokenizer(values: Values): Promise<GivenTokenizer | undefined> {
  const given = values.get("data.tokenizer");
  if (given?.value === "bytes") requireSize(values, { path: "bytes", vocabSize: byteTokenizer().vocabSize });
  if (!given || given.value === "bytes") return undefined;
  const path = pathFrom(String(given.value), given.origin);
  const { bytes, json } = await readTokenizerFile(path);
  const tokenizer = json !== undefined
    ? await Tokenizer.openJson(json, { name: path })
    : Tokenizer.fromModelBytes(bytes, { name: path });
  requireSize(values, { path, vocabSize: tokenizer.vocabSize });
  return { tokenizer, source: basename(path) };
}

/** Throws a UsageError if the study also sets another vocabulary size. */
function requireSize(values: Values, { path, vocabSize }: { path: string; vocabSize: number }): void {
  const given = values.get("model.vocabSize");
  if (!given || !["file", "flag"].includes(given.origin.kind) || given.value === vocabSize) return;
  throw new UsageError(`${faultAt(given.origin)}: model.vocabSize is not the size of the tokenizer ${path}`, {
    expected: `${vocabSize}, or no value, because data.tokenizer decides it`,
    got: String(given.value),
  });
}
