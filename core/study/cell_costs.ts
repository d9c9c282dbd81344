/** The cost of each cell of a study: arithmetic, memory and disk space, counted from its plans. */
import { type StudyConfig, studyOfArm } from "../config/mod.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { ELEMENT_BYTES } from "../tensor/mod.ts";
import { type Cell, cellsOf } from "./cells.ts";
import type { TextSizes } from "../data/corpus.ts";
import { flopsIn, heldOutTokens, studyFlops } from "./estimate.ts";
import { plansOf, stagePlans, stagesOf } from "./stage_plans.ts";

export interface CellCost {
  readonly cell: Cell;
  /** Multiplications and additions, including the recall probe. */
  readonly flops: number;
  /** Parameters, gradients, moments and activations of the stage that needs most (bytes), without the program itself. */
  readonly memory: number;
  /** Largest size of the cell's folder at any time (bytes). */
  readonly disk: number;
}

/** The study of one arm with one seed. */
function alone(study: StudyConfig, { arm, seed }: Cell): StudyConfig {
  const recall = study.recall && { ...study.recall, arms: study.recall.arms.filter(({ name }) => name === arm.name) };
  return { ...study, arms: [arm], seeds: [seed], ...(recall && { recall }) };
}

/** All plans of a stage exist at the same time; stages follow one another. */
function memoryOf(executor: Executor, study: StudyConfig, { arm }: Cell): number {
  const own = studyOfArm(study, arm), store = new ParameterStore(arm.config);
  return Math.max(
    ...stagesOf(study).map((stage) => {
      const { training, evaluation, pairs } = stagePlans(own, store, { stage });
      const plans = [...plansOf(training), evaluation.plan, ...(pairs ? [pairs.plan] : [])];
      const found = plans.map((plan) => executor.memoryOf(plan));
      return Math.max(...found.map(({ arenaBytes }) => arenaBytes)) +
        found.reduce((sum, { slotBytes }) => sum + slotBytes, 0);
    }),
  );
}

/** Bytes of a line of the metrics log, and of a token in pairs.json. Both are upper estimates. */
const LINE_BYTES = 400, TOKEN_TEXT_BYTES = 14;
/** Attention maps, records, tokenizer. */
const SMALL_FILES = 2 ** 20;

/** Of each stage: weights, at most two checkpoints (weights and two moments each), losses. One more checkpoint while it is written. */
function diskOf(study: StudyConfig, { arm }: Cell, validationTokens: number): number {
  const own = studyOfArm(study, arm), stages = stagesOf(study), { preference } = study;
  const weights = ELEMENT_BYTES * new ParameterStore(arm.config).arenas.parameters.elements;
  const ofStage = weights + 2 * 3 * weights + ELEMENT_BYTES * validationTokens;
  const pairTokens = preference.promptTokens + 2 * preference.completionTokens;
  const pairs = (preference.trainPairs + preference.heldOutPairs) * pairTokens * TOKEN_TEXT_BYTES;
  const steps = own.pretraining.steps + (stages.length - 1) * own.orpo.steps;
  return stages.length * ofStage + 3 * weights + pairs + LINE_BYTES * steps + SMALL_FILES;
}

/** The cost of each cell on texts of these sizes. All cells of an arm have the same cost. */
export function cellCosts(
  executor: Executor,
  study: StudyConfig,
  sizes: TextSizes,
): CellCost[] {
  const tokens = heldOutTokens(study, sizes), known = new Map<string, Omit<CellCost, "cell">>();
  return cellsOf(study).map((cell) => {
    const cost = known.get(cell.arm.name) ?? {
      flops: flopsIn(studyFlops(alone(study, cell), { ...tokens, testTokens: 0 })),
      memory: memoryOf(executor, study, cell),
      disk: Math.ceil(diskOf(study, cell, tokens.validationTokens)),
    };
    known.set(cell.arm.name, cost);
    return { cell, ...cost };
  });
}
