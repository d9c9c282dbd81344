/** The command line: `parse.ts` reads it, except where a program pipes text through the tokenizer. */
import { plainStreamRequest } from "./commands/stream_words.ts";
import { carryOut } from "./ui/run.ts";

const stream = plainStreamRequest(Deno.args);
if (stream) {
  const { runStream } = await import("./commands/tokenizer_stream.ts");
  await carryOut(() => runStream(stream));
} else {
  const { parsed } = await import("./parse.ts");
  await carryOut(await parsed(Deno.args));
}
