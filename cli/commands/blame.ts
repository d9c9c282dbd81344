/** `hymba blame`: how much each change from one model to another adds to the loss. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { type Arm, hasOpenLength, type StudyConfig } from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { present } from "../../core/lists.ts";
import { parameterCount } from "../../core/params/specs.ts";
import { blameText } from "../../core/report/mod.ts";
import { latticeBetween } from "../../core/study/blame.ts";
import { requireFreshSeeds } from "../../core/study/tuned.ts";
import { type ResolvedStudy, type SweepConfig, sweepOf } from "../../core/study_file/mod.ts";
import { runBlame } from "../shared/blame.ts";
import { withStudy } from "../shared/new_study.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { activationOptions, dataOption, defaultFolder, matchOption, suiteOption } from "../shared/study.ts";
import {
  flagValues,
  keyOptions,
  presetOption,
  readyStudy,
  seedsOption,
  sourcesOf,
  studyArgument,
} from "../shared/study_sources.ts";
import { extendOption, overOption, sweepFlags, sweepSeedsOption } from "../shared/sweep_flags.ts";
import { withTestPart } from "../shared/tuned.ts";
import type { Action } from "../ui/run.ts";
import { modelName, word } from "../shared/value_parsers.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object("The two models", {
    from: argument(modelName("A"), { description: message`the first model` }),
    to: argument(modelName("B"), { description: message`the second model` }),
    study: studyArgument,
    over: overOption,
    extend: extendOption,
    sweepSeeds: sweepSeedsOption,
    nodes: withDefault(
      option("--nodes", integer({ min: 2, max: 1024, metavar: "N" }), {
        description: message`most models that are trained; 16 by default. If all orders need more, orders are sampled`,
      }),
      16,
    ),
    out: optional(
      option("--out", word("DIR"), { description: message`folder; by default one under results/runs` }),
    ),
    json: jsonOption,
  }),
  object("The study", {
    preset: presetOption,
    suite: suiteOption,
    seeds: seedsOption,
    match: matchOption,
    data: dataOption,
    steps: optional(
      option("--steps", integer({ min: 1, metavar: "N" }), { description: message`updates of the first stage` }),
    ),
  }),
  keyOptions,
  activationOptions,
  backendOptions,
);

export const blameCommand = command("blame", map(options, (given): Action => () => blame(given)), {
  brief: message`how much each change from one model to another adds to the loss`,
  description:
    message`Finds the fields in which two models differ, trains the models between them, and prints how much each change adds to the difference of the losses, as a mean over the orders of the changes. With --over pretraining.rate=A,B,C the rate is tuned for each model, otherwise rates are fixed. A stopped call continues when the same command is repeated. Example: hymba blame mamba hymba --preset smoke --seeds 3`,
});

/** The arm of a study with this name. */
const armNamed = ({ arms }: StudyConfig, name: string): Arm => present(arms.find((arm) => arm.name === name), name);

/** The sweep for each model. Throws a UsageError for a key that does not belong to the first stage. */
function sweepFor({ values, study }: ResolvedStudy): SweepConfig | undefined {
  if (!values.has("sweep.over")) return undefined;
  const sweep = sweepOf(values), other = sweep.over.find(({ path }) => !path.startsWith("pretraining."));
  if (other) {
    throw new UsageError(`blame tunes the first stage of each model, not ${other.path}`, {
      expected: "keys of pretraining, such as pretraining.rate",
    });
  }
  requireFreshSeeds(sweep, study);
  return sweep;
}

/** The models between the two, and the sweep. Throws a UsageError if the study does not fit. */
function plan(resolved: ResolvedStudy, { from, to, nodes }: { from: string; to: string; nodes: number }) {
  const { study, reference } = resolved, sweep = sweepFor(resolved);
  if (hasOpenLength(study)) {
    throw new UsageError("blame needs the number of steps before it starts", {
      expected: "pretraining.steps or pretraining.tokens",
      got: "pretraining.epochs or pretraining.flops",
    });
  }
  if (study.budget) {
    throw new UsageError(
      `blame trains every model on the same number of tokens, not with a budget of ${study.budget}`,
      {
        hint: "omit the budget",
      },
    );
  }
  const target = study.match === "parameters"
    ? { target: parameterCount(present(reference, "the model hymba").config) }
    : {};
  return {
    sweep,
    lattice: latticeBetween(study, [armNamed(study, from), armNamed(study, to)], { most: nodes, ...target }),
  };
}

async function blame(
  { from, to, study: path, over, extend, sweepSeeds, nodes, data, out, json, backend, adapter, threads, ...given }:
    InferValue<typeof options>,
): Promise<void> {
  if (from === to) throw new UsageError(`${from} and ${to} are the same model`, { expected: "two models" });
  const flags = [
    ...flagValues({ ...given, models: [from, to] }),
    ...sweepFlags({ over, perArm: true, seeds: sweepSeeds, extend }),
  ];
  const plain = await sourcesOf(path, flags), sources = over.length > 0 ? withTestPart(plain) : plain;
  plan(readyStudy(sources), { from, to, nodes });
  await withStudy(sources, { backend: { backend, adapter, threads }, data }, async ({ resolved, parts, ...open }) => {
    const { sweep, lattice } = plan(resolved, { from, to, nodes }), { study: base, values } = resolved;
    const folder = out ?? defaultFolder("blame", from, to, ...parts);
    open.display.say(
      `${lattice.changes.length} changes, ${lattice.nodes.length} models, ${
        lattice.orders ? `${lattice.orders.length} sampled orders` : "all orders"
      }, ${base.seeds.length} seeds`,
    );
    const { blame, written } = await runBlame({ ...open, base, values, lattice, from, to, sweep, folder });
    if (blame.diverged.length > 0) Deno.exitCode = 1;
    if (json) return printJson("blame", { folder, written, ...blame });
    console.log(`${blameText(blame)}${written.map((file) => `wrote ${file}`).join("\n")}`);
  });
}
