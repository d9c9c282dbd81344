/** Standard input as text. */

/** The whole input. A byte that is part of no character becomes U+FFFD. */
export const stdinText = (): Promise<string> => new Response(Deno.stdin.readable).text();

/** The input line by line, each with its line end. The last line may have none. */
export async function* stdinLines(): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split(/(?<=\n)/);
    rest = lines.at(-1)?.endsWith("\n") ? "" : lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
