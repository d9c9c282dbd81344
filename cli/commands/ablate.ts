/** `hymba ablate`: the whole study. */
import { join } from "node:path";
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import type { NonEmptyString } from "@optique/core/nonempty";
import { float, integer, string } from "@optique/core/valueparser";
import { openBackend } from "../../core/backend/mod.ts";
import { type OrpoLoss, type RejectionRule, type Run, type StudyConfig, studyOf } from "../../core/config/mod.ts";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { writeArtifacts } from "../../core/report/artifacts.ts";
import { estimate } from "../../core/eval/estimate.ts";
import { runStudy } from "../../core/eval/study.ts";
import { Interrupted } from "../../core/train/stage.ts";
import { versions } from "../ui/environment.ts";
import { duration } from "../ui/progress.ts";
import { type Action, stopSignal } from "../ui/run.ts";
import { summaryTable } from "../ui/summary.ts";
import { StudyDisplay } from "../ui/study_display.ts";
import { backendOptions, jsonOption } from "./options.ts";

const text = (metavar: NonEmptyString) => string({ metavar });

const studyOptions = object("The study", {
  preset: optional(
    option("--preset", text("smoke|quick|small|paper"), {
      description: message`how large; by default paper on a GPU and quick elsewhere`,
    }),
  ),
  models: optional(option("--models", text("A,B"), { description: message`only these models` })),
  seeds: optional(
    option("--seeds", integer({ min: 1, metavar: "N" }), { description: message`repeat with seeds 1 to N` }),
  ),
  steps: optional(
    option("--steps", integer({ min: 1, metavar: "N" }), { description: message`updates of the first stage` }),
  ),
  orpoSteps: optional(
    option("--orpo-steps", integer({ min: 1, metavar: "N" }), { description: message`updates of the second stage` }),
  ),
  beta: optional(
    option("--beta", float({ min: 0, metavar: "X" }), { description: message`weight of the preference term` }),
  ),
  orpoLoss: optional(
    option("--orpo-loss", text("orpo|seed"), {
      description: message`real ORPO, or the documented notebook's degenerate penalty`,
    }),
  ),
  rejected: optional(
    option("--rejected", text("sample|corrupt"), {
      description: message`rejected continuations: sampled from the stage-1 model, or corrupted`,
    }),
  ),
  data: optional(option("--data", text("FILE|NAME"), { description: message`a UTF-8 text file, or a known corpus` })),
  out: optional(
    option("--out", text("DIR"), { description: message`run directory; by default one under results/runs` }),
  ),
  json: jsonOption,
});

const options = merge(studyOptions, backendOptions);

export const ablateCommand = command("ablate", map(options, (given): Action => () => ablate(given)), {
  brief: message`the whole study: every model, both stages, every artifact`,
  description:
    message`Trains and compares all models in two stages and writes every table and figure. The same command goes on where it was stopped. Example: hymba ablate --preset smoke --data book.txt`,
});

interface AblateOptions {
  preset?: string;
  models?: string;
  seeds?: number;
  steps?: number;
  orpoSteps?: number;
  beta?: number;
  orpoLoss?: string;
  rejected?: string;
  data?: string;
  out?: string;
  json: boolean;
  backend?: string;
  adapter?: string;
  threads?: number;
}

function oneOf<T extends string>(value: string | undefined, names: readonly T[], flag: string): T | undefined {
  const found = names.find((name) => name === value);
  if (value !== undefined && !found) {
    throw new UsageError(`${flag}: unknown value ${JSON.stringify(value)}`, { expected: names.join(", ") });
  }
  return found;
}

function studyFrom(given: AblateOptions, preset: string): StudyConfig {
  return studyOf(preset, {
    models: given.models?.split(","),
    seeds: given.seeds,
    steps: given.steps,
    orpoSteps: given.orpoSteps,
    beta: given.beta,
    orpoLoss: oneOf<OrpoLoss>(given.orpoLoss, ["orpo", "seed"], "--orpo-loss"),
    rejected: oneOf<RejectionRule>(given.rejected, ["sample", "corrupt"], "--rejected"),
  });
}

async function ablate(given: AblateOptions): Promise<void> {
  studyFrom(given, given.preset ?? "quick"); // wrong flags are told before anything is fetched
  const display = new StudyDisplay();
  const opened = await openBackend({ ...given, onProgress: (line) => display.say(line) });
  try {
    const preset = given.preset ?? (opened.hardware ? "paper" : "quick");
    const study = studyFrom(given, preset);
    const corpus = await resolveCorpus({ data: given.data, onProgress: (line) => display.say(line) });
    if (corpus.warning) display.say(`warning: ${corpus.warning}`);
    const folder = given.out ?? join("results", "runs", `${preset}-${corpus.name}`);
    display.say(
      `${preset} on ${opened.backend} (${opened.adapter.name}), corpus ${corpus.name} (${corpus.bytes} bytes), into ${folder}`,
    );
    const guess = await estimate(opened.executor, study, { validationTokens: corpus.bytes / 30 });
    display.say(`estimate: ${(guess.flops / 1e12).toPrecision(3)} Tflop, about ${duration(guess.seconds)}`);
    const run = await conduct(study, { given, opened, corpus, folder, display });
    const written = await writeArtifacts(systemDisk, folder, { run });
    if (given.json) console.log(JSON.stringify({ folder, artifacts: written, results: run.results }));
    else console.log(`${summaryTable(run)}\n${written.map((path) => `wrote ${path}`).join("\n")}`);
    if (run.results.length < study.arms.length * study.seeds.length) Deno.exitCode = 1;
  } finally {
    await opened.executor.close();
  }
}

async function conduct(
  study: StudyConfig,
  { given, opened, corpus, folder, display }: {
    given: AblateOptions;
    opened: Awaited<ReturnType<typeof openBackend>>;
    corpus: Awaited<ReturnType<typeof resolveCorpus>>;
    folder: string;
    display: StudyDisplay;
  },
): Promise<Run> {
  const { signal, dispose } = stopSignal(() =>
    display.say("stopping: saving at the next step; Ctrl-C again stops at once")
  );
  const words = Deno.args.map((word) => /\s/.test(word) ? JSON.stringify(word) : word).join(" ");
  const environment = {
    versions: versions(),
    backend: opened.backend,
    adapter: opened.adapter,
    command: `hymba ${words}`,
  };
  try {
    return await runStudy(study, {
      executor: opened.executor,
      corpus,
      disk: systemDisk,
      folder,
      environment,
      signal,
      onEvent: (event) => display.show(event),
    });
  } catch (error) {
    if (error instanceof Interrupted) {
      display.say(
        `to go on: hymba ablate --out ${folder} --preset ${study.preset}${
          given.data ? ` --data ${given.data}` : ""
        }, with the same flags as before`,
      );
    }
    throw error;
  } finally {
    dispose();
  }
}
