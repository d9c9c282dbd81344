/** `hymba power`: how many seeds a study needs to find a difference. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice, float } from "@optique/core/valueparser";
import { UsageError } from "../../core/errors.ts";
import { STAGES } from "../../core/record/mod.ts";
import { powerNote, powerReport, powerTable } from "../../core/report/power.ts";
import type { Action } from "../ui/run.ts";
import { reportText } from "../ui/table.ts";
import { jsonOption } from "../shared/options.ts";
import { openRun, runArgument } from "../shared/run_argument.ts";
import { printJson } from "../ui/output.ts";

const options = object({
  run: runArgument,
  detect: withDefault(
    option("--detect", float({ metavar: "X" }), {
      description: message`the difference to be found, in nats per token; 0.05 by default`,
    }),
    0.05,
  ),
  power: withDefault(
    option("--power", float({ metavar: "X" }), {
      description: message`the required share of studies that find it; 0.8 by default`,
    }),
    0.8,
  ),
  stage: optional(
    option("--stage", choice([...STAGES], { metavar: "pretraining|orpo|control" }), {
      description: message`the stage; the last one by default`,
    }),
  ),
  json: jsonOption,
});

export const powerCommand = command("power", map(options, (given): Action => () => power(given)), {
  brief: message`how many seeds a study needs to find a difference`,
  description:
    message`From the variance between the seeds of a run, computes for every pair of models how many paired seeds find a difference of this size. Example: hymba power results/runs/small-tinyshakespeare --detect 0.05`,
});

async function power({ run: wanted, detect, power, stage, json }: InferValue<typeof options>): Promise<void> {
  if (!(detect > 0)) throw new UsageError("--detect", { expected: "nats per token, above 0", got: String(detect) });
  if (!(power > 0.05 && power < 1)) {
    throw new UsageError("--power", { expected: "a share above 0.05 and below 1", got: String(power) });
  }
  const { folder, run } = await openRun(wanted), report = powerReport(run, { detect, power, stage });
  if (json) return printJson("power", { run: folder, ...report });
  const { columns, rows } = powerTable(report);
  console.log(reportText({ columns, rows }, [powerNote(report)]));
}
