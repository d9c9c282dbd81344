/** `hymba golden DIR`: compares the engine with float64 results of another implementation. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { argument, command } from "@optique/core/primitives";
import type { Precision, TensorCores } from "../../core/config/mod.ts";
import { openBackend } from "../../core/backend/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { printable } from "../../core/errors.ts";
import { type GoldenRow, runGolden } from "../../core/proof/golden.ts";
import type { Action } from "../ui/run.ts";
import { backendOptions, jsonOption, precisionOption, tensorCoresOption, usesTensorCores } from "../shared/options.ts";
import { word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object({
    folder: argument(word("DIR"), { description: message`folder with one .safetensors file per case` }),
    precision: precisionOption,
    tensorCores: tensorCoresOption,
    json: jsonOption,
  }),
  backendOptions,
);

export const goldenCommand = command("golden", map(options, (given): Action => () => golden(given)), {
  brief: message`compares the kernels with float64 results of another implementation`,
  description:
    message`Runs every case of a folder (operators, blocks, models, training) on the chosen adapter. Prints the file, the worst tensor, its error RMS(difference) / RMS(reference), the bound, and ok or FAIL. Exit code 1 when a case fails. Example: hymba golden ../shared/golden --backend cpu`,
});

async function golden({ folder, json, precision, tensorCores, ...backend }: {
  folder: string;
  precision?: Precision;
  tensorCores?: TensorCores;
  json: boolean;
  backend?: string;
  adapter?: string;
  threads?: number;
}): Promise<void> {
  const cores = usesTensorCores({ precision, tensorCores });
  const { executor } = await openBackend({ ...backend, tensorCores: cores, onProgress: say });
  try {
    const onCase = json ? undefined : (row: GoldenRow) => console.log(lineOf(row));
    const rows = await runGolden(executor, folder, { disk: systemDisk, precision, onCase });
    const passed = rows.filter(({ ok }) => ok).length, failed = rows.length - passed;
    if (json) printJson("golden", { passed, failed, rows });
    else console.log(`${passed} passed, ${failed} failed`);
    if (failed > 0) Deno.exitCode = 1;
  } finally {
    await executor.close();
  }
}

/** File, worst tensor, its error, the bound and the verdict; or the reason why nothing could be compared. */
function lineOf({ file, worst, error, bound, ok, message }: GoldenRow): string {
  const found = message ?? `${worst}  ${error.toExponential(2)}  bound ${bound.toExponential(0)}`;
  return `${printable(file)}  ${printable(found).replace(/\n\s*/g, "; ")}  ${ok ? "ok" : "FAIL"}`;
}
