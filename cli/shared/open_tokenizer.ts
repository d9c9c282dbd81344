/** The tokenizer in a file of either format. */
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { readTokenizerFile } from "./tokenizer_files.ts";

/** Reads a SentencePiece model or a `tokenizer.json`. Throws a HymbaError when it is neither. */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  const { bytes, json } = await readTokenizerFile(path);
  return json !== undefined
    ? await Tokenizer.openJson(json, { name: path })
    : Tokenizer.fromModelBytes(bytes, { name: path });
}
