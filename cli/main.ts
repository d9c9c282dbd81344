/**
 * The command line: `parse.ts` reads it, except where a program pipes text through the tokenizer. Its name is put together at run
 * time, because Deno reads all files that a literal import could ever lead to before it runs the first line: 250 of them.
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
