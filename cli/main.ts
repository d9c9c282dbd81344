/**
 * The entry of the command line. `parse.ts` parses it, except when text is piped through the tokenizer. The import of `parse.ts` has
 * a computed name: before the first line runs, Deno reads all files that a literal import can reach, and these are 250.
 */
import { plainStreamRequest } from "./shared/stream_words.ts";
import { carryOut } from "./ui/run.ts";

const stream = plainStreamRequest(Deno.args);
if (stream) {
  const { runStream } = await import("./shared/tokenizer_stream.ts");
  await carryOut(() => runStream(stream));
} else {
  await carryOut(async () => {
    const { parsed } = await import(new URL("./parse.ts", import.meta.url).href) as typeof import("./parse.ts");
    await (await parsed(Deno.args))();
  });
}
