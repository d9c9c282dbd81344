/** `hymba causality`: proves for every model that no position sees its future. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { openBackend } from "../../core/backend/mod.ts";
import { studyOf } from "../../core/config/mod.ts";
import { checkCausality } from "../../core/eval/causality.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption } from "./options.ts";

const options = merge(
  object("Which models", {
    preset: optional(
      option("--preset", string({ metavar: "NAME" }), { description: message`whose models to test; smoke by default` }),
    ),
    models: optional(option("--models", string({ metavar: "A,B" }), { description: message`only these models` })),
    json: jsonOption,
  }),
  backendOptions,
);

export const causalityCommand = command("causality", map(options, (given): Action => () => causality(given)), {
  brief: message`proves that no position of a model sees its future`,
  description:
    message`Changes token t + 1 for every t and compares all logits up to t bit by bit, at lengths around the window and the meta tokens. Exit code 1 when a model leaks. Example: hymba causality --models hymba`,
});

async function causality({ preset = "smoke", models, json, ...backend }: {
  preset?: string;
  models?: string;
  json: boolean;
  backend?: string;
  adapter?: string;
  threads?: number;
}): Promise<void> {
  const { arms } = studyOf(preset, { models: models?.split(",") });
  const { executor } = await openBackend({ ...backend, onProgress: (line) => console.error(line) });
  try {
    const reports = [];
    for (const { name, config } of arms) {
      const W = config.swaWindow, M = config.metaTokens;
      for (const T of new Set([W - 1, W, W + 1, W + M + 1, 2 * W + M])) {
        reports.push(await checkCausality(executor, { name, config, T }));
      }
    }
    const leaking = reports.filter(({ leaks }) => leaks.length > 0).length;
    const rows = reports.map((
      { arm, T, tested, leaks },
    ) => [arm, String(T), String(tested), String(leaks.length), leaks.length === 0 ? "causal" : "LEAKS"]);
    if (json) console.log(JSON.stringify(reports));
    else {console.log(
        `${table([["model", "length", "tokens changed", "seen by the past", "verdict"], ...rows])}\n${
          reports.length - leaking
        } passed, ${leaking} failed`,
      );}
    if (leaking > 0) Deno.exitCode = 1;
  } finally {
    await executor.close();
  }
}
