/** The models that the page uses, and where they run. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { StageName } from "../record/mod.ts";
import { bytes } from "../report/format.ts";
import type { Computer, ModelSource, Where } from "./engine/messages.ts";
import { Engines } from "./engines.ts";
import { Select } from "./fields.tsx";
import type { ArmView, ModelView, StudyView } from "./views.ts";
import { STAGE_WORDS } from "./words.ts";

/** A model that was chosen. */
export interface Chosen {
  readonly arm: ArmView;
  readonly source: ModelSource;
}

/** The inputs of the parts of the page that use models. */
export interface Bench {
  /** Starts the engines at the first call. */
  engines(): Promise<Engines>;
  readonly computer: (Computer & { readonly workers: number }) | undefined;
  readonly models: readonly Chosen[];
}

interface Choice {
  readonly seed: number;
  readonly stage: StageName;
  readonly arms: ReadonlySet<string>;
  readonly where: Where;
}

const WHERE: Readonly<Record<Where, string>> = {
  auto: "on the GPU if there is one",
  webgpu: "on WebGPU",
  cpu: "on the processor",
};

/** The last trained stage that is no control, as the command line chooses it. */
function usualStage(models: readonly ModelView[]): StageName {
  const trained = models.map(({ stage }) => stage);
  return (["orpo", "pretraining", "control"] as const).find((stage) => trained.includes(stage)) ?? "pretraining";
}

function modelsOf(study: StudyView, models: readonly ModelView[], { seed, stage, arms }: Choice): Chosen[] {
  const { sequenceLength, tokenizer, tiles } = study;
  return study.arms.flatMap((arm) => {
    const found = models.find((model) => model.arm === arm.name && model.seed === seed && model.stage === stage);
    if (!found || !arms.has(arm.name)) return [];
    return [{
      arm,
      source: { file: found.file, arm: arm.name, stage, config: arm.config, sequenceLength, tokenizer, tiles },
    }];
  });
}

/** The engines of a place to compute: started when they are needed, ended when another place is chosen. */
function useEngines(where: Where, models: number): Pick<Bench, "engines" | "computer"> {
  const [computer, setComputer] = useState<Bench["computer"]>();
  const started = useMemo(() => {
    let engines: Promise<Engines> | undefined;
    return {
      start: () => {
        engines ??= Engines.open(where, { models });
        // What could not be opened is tried again.
        engines.catch(() => {
          engines = undefined;
        });
        return engines;
      },
      end: () => void engines?.then((opened) => opened.end(), () => {}),
    };
  }, [where, models]);
  useEffect(() => {
    setComputer(undefined);
    return started.end;
  }, [started]);
  const engines = async () => {
    const opened = await started.start();
    setComputer({ ...opened.computer, workers: opened.workers.length });
    return opened;
  };
  return { engines, computer };
}

/** The chosen models, and the fields to choose them. */
export function useChosen(study: StudyView, models: readonly ModelView[]) {
  const [choice, setChoice] = useState<Choice>(() => ({
    seed: models[0]?.seed ?? 1,
    stage: usualStage(models),
    arms: new Set(study.arms.map(({ name }) => name)),
    where: "auto",
  }));
  const bench: Bench = { ...useEngines(choice.where, study.arms.length), models: modelsOf(study, models, choice) };
  const change = (more: Partial<Choice>) => setChoice({ ...choice, ...more });
  return { bench, fields: <Fields study={study} models={models} choice={choice} change={change} bench={bench} /> };
}

const computerWords = ({ backend, name, workers }: Bench["computer"] & object): string =>
  backend === "webgpu" ? `WebGPU: ${name}` : `WebAssembly: ${workers} worker${workers === 1 ? "" : "s"}, ${name}`;

interface FieldsProps {
  readonly study: StudyView;
  readonly models: readonly ModelView[];
  readonly choice: Choice;
  readonly bench: Bench;
  change(more: Partial<Choice>): void;
}

/** The set with one more name, or without it. */
const toggled = (names: ReadonlySet<string>, name: string): ReadonlySet<string> =>
  names.has(name) ? new Set([...names].filter((one) => one !== name)) : new Set([...names, name]);

function ArmBoxes({ study, choice: { arms }, change }: FieldsProps) {
  return study.arms.map(({ name, look }) => (
    <label key={name}>
      <input type="checkbox" checked={arms.has(name)} onChange={() => change({ arms: toggled(arms, name) })} />
      <span class="swatch" style={{ background: look.colour }} />
      {name}
    </label>
  ));
}

/** The device that computes, or the downloads before that. */
function Computing({ models, choice, bench }: FieldsProps) {
  const used = models.filter(({ seed, stage, arm }) =>
    seed === choice.seed && stage === choice.stage && choice.arms.has(arm)
  );
  const words = bench.computer
    ? computerWords(bench.computer)
    : `${bytes(used.reduce((sum, { bytes }) => sum + bytes, 0))} of weights are read at the first use`;
  return <span class="faint" id="computer">{words}</span>;
}

function Fields(given: FieldsProps) {
  const { models, choice, change } = given, wheres = ["auto", "webgpu", "cpu"] as const;
  const seeds = [...new Set(models.map(({ seed }) => String(seed)))];
  const stages = [...new Set(models.map(({ stage }) => stage))];
  return (
    <fieldset class="fields">
      <legend>Models</legend>
      <ArmBoxes {...given} />
      <Select
        label="training seed"
        value={String(choice.seed)}
        options={seeds.map((seed) => [seed, seed])}
        onChoose={(seed) => change({ seed: Number(seed) })}
      />
      <Select
        label="after"
        value={choice.stage}
        options={stages.map((stage) => [stage, STAGE_WORDS[stage]])}
        onChoose={(stage) => change({ stage })}
      />
      <Select
        label="computed"
        value={choice.where}
        options={wheres.map((where) => [where, WHERE[where]])}
        onChoose={(where) => change({ where })}
      />
      <Computing {...given} />
    </fieldset>
  );
}
