/** A call of `tokenizer encode` or `decode`. */
export interface StreamRequest {
  command: "encode" | "decode";
  /** Path of the tokenizer. */
  model: string;
  pieces: boolean;
  whole: boolean;
  json: boolean;
}

/**
 * Parses a simple call, with each option once and each value as a separate word. Undefined for any other command line, right
 * or wrong. Encoding a megabyte takes only a tenth of a second, so loading the whole parser would be noticeable.
 */
export function plainStreamRequest([first, command, ...words]: readonly string[]): StreamRequest | undefined {
  if (first !== "tokenizer" || command !== "encode" && command !== "decode") return undefined;
  const flags = ["--whole", "--json", ...(command === "encode" ? ["--pieces"] : [])], seen = new Set<string>();
  let model: string | undefined;
  const rest = words.values();
  for (const word of rest) {
    if (seen.has(word)) return undefined;
    seen.add(word);
    if (word === "--model") model = rest.next().value;
    else if (!flags.includes(word)) return undefined;
  }
  if (model === undefined || model === "" || model.startsWith("-")) return undefined;
  return { command, model, pieces: seen.has("--pieces"), whole: seen.has("--whole"), json: seen.has("--json") };
}
