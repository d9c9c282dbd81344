/** `hymba causality`: checks for every model that no position sees its future. Also shows the documented study's leaking mask. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { openBackend } from "../../core/backend/mod.ts";
import type { Arm, Profile } from "../../core/config/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { at } from "../../core/lists.ts";
import { type CausalityReport, checkCausality, type CheckOptions } from "../../core/proof/causality.ts";
import { checkGradients, type GradientReport } from "../../core/proof/causality_gradient.ts";
import { croppedMask, DOCUMENTED } from "../../core/proof/leaky_mask.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { type Mask, masksOf, visibilityOf } from "../../core/proof/visibility.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { maskChart } from "../../core/report/mask_chart.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { showLeak } from "../shared/leak_experiment.ts";
import { A_PICTURE, requireOwnFile, writeOwnFile } from "../shared/own_files.ts";
import { dataOption, profileOption } from "../shared/study.ts";
import { armsOf, setOption, studyArgument } from "../shared/study_sources.ts";
import { modelNames, word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object("Which models", {
    study: studyArgument,
    preset: optional(
      option("--preset", word("smoke|quick|small|paper"), {
        description: message`the preset of the models; smoke by default; with a study file the one that it names`,
      }),
    ),
    models: optional(option("--models", modelNames(), { description: message`only these models` })),
    profile: profileOption,
    set: setOption,
    reproduceLeak: option("--reproduce-leak", {
      description:
        message`check the documented study's cropped mask instead, which fails; with --profile seed also a model with this mask`,
    }),
    leakExperiment: optional(
      option("--leak-experiment", word("DIR"), {
        description: message`train a hybrid with and without this mask, and write curves, table and text to DIR`,
      }),
    ),
    steps: withDefault(
      option("--steps", integer({ min: 10, metavar: "N" }), {
        description: message`updates of each model of the leak experiment, a multiple of 10; 400 by default`,
      }),
      400,
    ),
    data: dataOption,
    picture: optional(
      option("--picture", word("FILE.png"), { description: message`draw the attention masks` }),
    ),
    json: jsonOption,
  }),
  backendOptions,
);

export const causalityCommand = command("causality", map(options, (given): Action => () => causality(given)), {
  brief: message`checks that no position of a model sees its future`,
  description:
    message`Changes token t + 1 for every t and compares all logits up to t bit by bit. Checks that the gradients of the logits at t are exactly zero after t. Does both at lengths around the window and the meta tokens, and counts the visible pairs of each mask. Exit code 1 when a model leaks. The models are those of a preset or of a study file. Example: hymba causality --models hymba`,
});

type Options = InferValue<typeof options>;

/** A mask with its model and its layers. */
interface NamedMask {
  readonly model: string;
  readonly layers: string;
  readonly mask: Mask;
}

/** The masks with their statistics. */
const counted = (masks: readonly NamedMask[]) =>
  masks.map(({ model, layers, mask }) => ({ model, layers, T: mask.T, M: mask.M, ...visibilityOf(mask) }));

function maskTable(masks: readonly NamedMask[]): string {
  const rows = counted(masks).map(({ model, layers, T, M, fewestKeys, mostKeys, ...counts }) => {
    const share = (count: number) => `${count} of ${counts.queries}`;
    const seen = [counts.seePast, counts.seeFuture, counts.seeNext].map(share);
    return [model, layers, String(T), String(M), `${fewestKeys} to ${mostKeys}`, ...seen];
  });
  return table([
    ["masks of", "layers", "length", "meta", "keys seen", "see their past", "see the future", "see the next token"],
    ...rows,
  ]);
}

async function draw(path: string, masks: readonly NamedMask[], title: string): Promise<void> {
  const figures = masks.map(({ model, layers, mask }) => {
    const { queries, seePast, seeFuture, seeNext } = visibilityOf(mask);
    const counts =
      `of ${queries} queries see their past ${seePast}, the future ${seeFuture}, the next token ${seeNext}`;
    return { title: `${model}, ${layers}`, counts, mask };
  });
  const footer = "All pairs were checked. The counts are of text queries and text keys.";
  await writeOwnFile(systemDisk, path, { content: await maskChart(figures, { title, footer }) });
  say(`wrote ${path}`);
}

/** The results of both checks of one model at one length. */
type Proof = CausalityReport & { readonly gradientLeaks: GradientReport["leaks"] };

const leaks = ({ leaks, gradientLeaks }: Proof) => leaks.length + gradientLeaks.length > 0;

function reportTable(reports: readonly Proof[]): string {
  const rows = reports.map((report) => [
    report.arm,
    ...[report.T, report.tested, report.leaks.length, report.gradientLeaks.length].map(String),
    leaks(report) ? "LEAKS" : "causal",
  ]);
  return table([["model", "length", "tokens changed", "seen by the past", "gradients after", "verdict"], ...rows]);
}

async function causality(given: Options): Promise<void> {
  const { study, preset, models, profile, set, reproduceLeak, leakExperiment, steps, data, picture, json, ...backend } =
    given;
  if (leakExperiment !== undefined) return await showLeak(leakExperiment, { steps, data, profile, ...backend });
  if (picture !== undefined) await requireOwnFile(systemDisk, picture, [picture, A_PICTURE]);
  if (reproduceLeak) return await reproduce({ picture, json, profile, ...backend });
  const arms = await armsOf({ study, preset, models: models?.split(","), profile, set }, "smoke");
  const { executor } = await openBackend({ ...backend, onProgress: say });
  try {
    const reports = [];
    for (const arm of arms) reports.push(...await prove(executor, arm));
    const masks = arms.flatMap((arm) =>
      masksOf(arm, 2 * arm.config.swaWindow).map(({ kind, layers, mask }) => ({
        model: arm.name,
        layers: `${kind} ${layers.join(" ")}`,
        mask,
      }))
    );
    const leaking = reports.filter(leaks).length;
    if (json) printJson("causality", { reports, masks: counted(masks) });
    else {
      console.log(reportTable(reports));
      if (masks.length > 0) console.log(`\n${maskTable(masks)}\n`);
      console.log(`${reports.length - leaking} passed, ${leaking} failed`);
    }
    if (picture && masks.length > 0) await draw(picture, masks, "What attention sees");
    if (leaking > 0) Deno.exitCode = 1;
  } finally {
    await executor.close();
  }
}

/** Runs both checks at lengths around the window W and the meta tokens M. */
async function prove(executor: Executor, { name, config }: Arm): Promise<Proof[]> {
  const W = config.swaWindow, M = config.metaTokens, reports: Proof[] = [];
  for (const T of new Set([W - 1, W, W + 1, W + M + 1, 2 * W + M])) {
    reports.push(await bothChecks(executor, { name, config, T }));
  }
  return reports;
}

async function bothChecks(executor: Executor, options: CheckOptions): Promise<Proof> {
  const { leaks: gradientLeaks } = await checkGradients(executor, options);
  return { ...await checkCausality(executor, options), gradientLeaks };
}

/** Checks the documented study's local attention, with and without meta tokens, and a model of its profile. All of them fail. */
async function reproduce(
  { picture, json, profile, ...backend }: Pick<Options, "picture" | "json" | "profile" | "backend" | "adapter">,
): Promise<void> {
  const { T, W, M } = DOCUMENTED;
  const masks = [0, M].map((meta) => ({
    model: "cropped keys",
    layers: `local, window ${W}, ${meta === 0 ? "no" : meta} meta tokens`,
    mask: croppedMask({ T, W, M: meta }),
  }));
  const reports = profile ? [await crop(profile, backend)] : [];
  const leaking = masks.filter(({ mask }) => visibilityOf(mask).seeFuture > 0).length + reports.filter(leaks).length;
  if (json) printJson("causality", { reports, masks: counted(masks) });
  else {
    if (reports.length > 0) console.log(`${reportTable(reports)}\n`);
    console.log(`${maskTable(masks)}\n\n${masks.length + reports.length - leaking} passed, ${leaking} failed`);
  }
  if (picture) await draw(picture, masks, "The documented study's cropped mask sees the future");
  if (leaking > 0) Deno.exitCode = 1;
}

/** Runs both checks on the smallest hybrid of a profile with cropped keys. */
async function crop(profile: Profile, backend: Pick<Options, "backend" | "adapter">): Promise<Proof> {
  const arm = at(resolvedStudy("smoke", { profile, models: ["hybrid-paper"] }).arms, 0);
  const { executor } = await openBackend({ ...backend, onProgress: say });
  try {
    return await bothChecks(executor, { ...arm, T: 2 * arm.config.swaWindow, reproduceLeak: true });
  } finally {
    await executor.close();
  }
}
