/** `hymba serve`: the page of a run in the browser, during and after training. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import type { InferValue } from "@optique/core/parser";
import { integer } from "@optique/core/valueparser";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { readRecord } from "../../core/record/mod.ts";
import { Answers } from "../../core/serve/answers.ts";
import { exportPage } from "../../core/serve/static_copy.ts";
import { pageFiles } from "../../core/serve/page_files.ts";
import { serve } from "../../core/serve/server.ts";
import { openCommand, thisPlatform } from "../../core/system/mod.ts";
import { noteKernels } from "../shared/kernel_note.ts";
import { jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import { type Action, stopper } from "../ui/run.ts";
import { word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = object({
  run: runArgument,
  port: withDefault(
    option("--port", integer({ min: 0, max: 65535, metavar: "N" }), {
      description: message`the port on 127.0.0.1; a free one by default`,
    }),
    0,
  ),
  noOpen: option("--no-open", { description: message`do not open the browser` }),
  export: optional(
    option("--export", word("DIR"), {
      description: message`write the page as files into a new folder, for any web server, and exit`,
    }),
  ),
  json: jsonOption,
});

export const serveCommand = command("serve", map(options, (given): Action => () => serveRun(given)), {
  brief: message`a run as a page in the browser: its curves, its report, its models`,
  description:
    message`Shows a run on a page that only this machine can reach. While the study runs: its curves, the time left, speeds and samples. Then the report, and the models themselves, which run in the browser with WebGPU or on the processor. Ctrl-C ends it. Example: hymba serve results/runs/quick-tinyshakespeare`,
});

type Given = InferValue<typeof options>;

async function serveRun({ run, port, noOpen, export: target, json }: Given): Promise<void> {
  const folder = await folderOf(run);
  if (target !== undefined && port !== 0) throw new UsageError("--export starts no server", { hint: "omit --port" });
  await noteKernels(folder, await readRecord(systemDisk, folder));
  const onBuild = () => say("building the page, only once");
  const page = await pageFiles(systemDisk, { onBuild });
  const answers = new Answers(systemDisk, folder, page, { live: target === undefined });
  if (target !== undefined) {
    const paths = await exportPage(systemDisk, answers, target);
    if (json) return printJson("serve", { run: folder, written: paths });
    return console.log(`wrote ${paths.length} files into ${target}`);
  }
  const served = serve(systemDisk, answers, { port, onFault: (error) => console.error(error) });
  if (json) printJson("serve", { run: folder, address: served.address });
  else console.log(`${folder} is shown at ${served.address}`);
  if (!json) say("Ctrl-C ends it");
  if (!noOpen && !json) openInBrowser(served.address);
  const stop = stopper(() => void served.close());
  stop.listen();
  await served.finished;
  stop.dispose();
}

/** Opens an address in the user's browser if there is a desktop. The address is also printed. */
function openInBrowser(address: string): void {
  const [program, ...args] = openCommand(thisPlatform, address) ?? [];
  if (program === undefined) return;
  try {
    new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn().unref();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
