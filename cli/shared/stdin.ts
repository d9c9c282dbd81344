/** Standard input as text. It has to be UTF-8, as every text of a user; anything else is a UsageError. */
import { utf8Parts } from "../../core/tokenizer/utf8_text.ts";
import { inputParts } from "./tokenizer_files.ts";

const NAME = "standard input";

/** The whole input. */
export async function stdinText(): Promise<string> {
  const parts: string[] = [];
  for await (const { text } of utf8Parts(inputParts(), NAME)) parts.push(text);
  return parts.join("");
}

/** The input line by line, as it comes, each with its line end. The last line may have none. */
export async function* stdinLines(): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const { text } of utf8Parts(inputParts(), NAME, { atOnce: true })) {
    const lines = (rest + text).split(/(?<=\n)/);
    rest = lines.at(-1)?.endsWith("\n") ? "" : lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
