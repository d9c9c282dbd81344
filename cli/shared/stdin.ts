/** Standard input as text. */

/** All of it. A byte that is part of no character becomes U+FFFD. */
export const stdinText = (): Promise<string> => new Response(Deno.stdin.readable).text();

/** Line by line, each with its line end; the last may have none. */
export async function* stdinLines(): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split(/(?<=\n)/);
    rest = lines.at(-1)?.endsWith("\n") ? "" : lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
