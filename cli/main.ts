/**
 * The entry of the command line. `parse.ts` parses it, except when text is piped through the tokenizer. The import of `parse.ts`
 * has a computed name: before the first line runs, Deno reads all files that a literal import can reach, and these are 250. An old
 * Deno could not even read them.
 */
import { plainStreamRequest } from "./shared/stream_words.ts";
import { carryOut } from "./ui/run.ts";
import { requireDeno, requireImportMap } from "./ui/start.ts";

await carryOut(async () => {
  requireDeno();
  await requireImportMap();
  const stream = plainStreamRequest(Deno.args);
  if (stream) {
    const { runStream } = await import("./shared/tokenizer_stream.ts");
    return await runStream(stream);
  }
  const { parsed } = await import(new URL("./parse.ts", import.meta.url).href) as typeof import("./parse.ts");
  await (await parsed(Deno.args))();
});
