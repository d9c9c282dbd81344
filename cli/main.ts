/**
 * The entry of the command line. `parse.ts` parses it, except when text is piped through the tokenizer, and `front.ts` has the
 * help of the program. Both are imported by computed names: before the first line runs, Deno reads all files that a literal
 * import can reach, here 250. An old Deno could not read them at all.
 */
import config from "../deno.json" with { type: "json" };
import { plainStreamRequest } from "./shared/stream_words.ts";
import { runAction } from "./ui/run.ts";
import { readRequest, useSettings } from "./ui/settings.ts";
import { requireDeno, requireImportMap } from "./ui/start.ts";

const load = (name: string) => import(new URL(name, import.meta.url).href);

await runAction(async () => {
  requireDeno();
  const request = readRequest(Deno.args), { words, help, version } = request;
  useSettings(request.settings);
  if (version && words.length === 0) return console.log(config.version);
  await requireImportMap();
  const stream = plainStreamRequest(Deno.args);
  if (stream) {
    const { runStream } = await import("./shared/tokenizer_stream.ts");
    return await runStream(stream);
  }
  const ofProgram = words.length === 0 ? help : words.join() === "help" ? help ?? "page" : undefined;
  if (ofProgram) {
    const { printProgramHelp } = await load("./front.ts") as typeof import("./front.ts");
    return printProgramHelp({ all: ofProgram === "all" });
  }
  const { actionOf } = await load("./parse.ts") as typeof import("./parse.ts");
  await (await actionOf(request))();
});
