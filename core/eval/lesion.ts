/**
 * Ablates parts of a trained model during evaluation. The output of a branch or head is replaced by zeros, by its mean over
 * all sequences at the same position, or by that of another sequence. A layer gets another window. Meta tokens become zero or
 * all equal to their mean. In the recorded plan the output of the branch is an input, so kernels and training plans need no
 * change.
 */
import { type Batch, evaluationBatches } from "../data/batches.ts";
import type { Part } from "../data/parts.ts";
import { UsageError } from "../errors.ts";
import { at, present } from "../lists.ts";
import { type EvaluationPlan, evaluationPlan, Scorer } from "../infer/scorer.ts";
import type { Interventions } from "../nn/mixing.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { sizeOf, type Tensor, withRows } from "../tensor/mod.ts";
import {
  type BranchSite,
  branchSites,
  type Change,
  CHANGES,
  type Lesion,
  type SeeSite,
  seeSites,
} from "./lesion_sites.ts";

/** A model whose weights are on the executor. */
export interface LesionModel {
  readonly executor: Executor;
  readonly store: ParameterStore;
}

/** The evaluated text: whole sequences of a part, B at a time. */
export interface LesionText {
  readonly batches: readonly Pick<Batch, "ids" | "targets">[];
  readonly B: number;
  readonly T: number;
  /** The indices of their predicted tokens in the losses of the part. */
  readonly places: Uint32Array;
}

/** Batches of whole sequences, evenly spaced over a part. Throws UsageError if the part has none. */
export function lesionText(part: Part, { B, T, sequences }: { B: number; T: number; sequences: number }): LesionText {
  const whole: { batch: Batch; first: number }[] = [];
  let first = 0;
  for (const batch of evaluationBatches(part, { B, T })) {
    const count = batch.weight.reduce((sum, weight) => sum + weight, 0);
    if (count === B * T) whole.push({ batch, first });
    first += count;
  }
  const wanted = Math.min(whole.length, Math.max(1, Math.ceil(sequences / B)));
  if (wanted === 0) {
    throw new UsageError("the text is too short for a lesion", { expected: `${B} whole sequences of ${T} tokens` });
  }
  const chosen = Array.from({ length: wanted }, (_, i) => at(whole, Math.floor(i * whole.length / wanted)));
  const places = chosen.flatMap(({ first }) => Array.from({ length: B * T }, (_, i) => first + i));
  return { batches: chosen.map(({ batch }) => batch), B, T, places: Uint32Array.from(places) };
}

/** Losses (nats) of the text's tokens with one lesion. */
export interface LesionLosses {
  readonly lesion: Lesion;
  readonly nats: Float32Array;
}

export interface LesionOptions {
  readonly signal?: AbortSignal;
  onLesion?(lesion: Lesion, done: { readonly count: number; readonly of: number }): void;
}

/** The losses of the intact model and of each lesion. */
export async function lesions(
  model: LesionModel,
  text: LesionText,
  options: LesionOptions = {},
): Promise<{ intact: Float32Array; lesions: LesionLosses[] }> {
  const { config } = model.store, found: LesionLosses[] = [];
  const sites = branchSites(config), sees = seeSites(config), metas = config.metaTokens > 0 ? 2 : 0;
  const of = sites.reduce((sum, { columns }) => sum + columns.length * CHANGES.length, 0) + sees.length + metas;
  const add = (one: LesionLosses) => {
    found.push(one);
    options.onLesion?.(one.lesion, { count: found.length, of });
  };
  const intact = await lossesOf(model, text, { signal: options.signal });
  for (const site of sites) for await (const one of branchLesions(model, text, { site, ...options })) add(one);
  for (const site of sees) add(await seeLesion(model, text, { site, ...options }));
  for (const one of metas > 0 ? await metaLesions(model, text, options) : []) add(one);
  return { intact, lesions: found };
}

/** The losses of the text under interventions that need no captured outputs. */
async function lossesOf(
  { executor, store }: LesionModel,
  { batches, B, T }: LesionText,
  { interventions, signal }: { interventions?: Interventions; signal?: AbortSignal },
): Promise<Float32Array> {
  const scorer = await Scorer.create(executor, evaluationPlan(store, { B, T, interventions }), { signal });
  try {
    const nats = new Float32Array(batches.length * B * T);
    for (const [i, batch] of batches.entries()) nats.set((await scorer.logp(batch)).map((x) => -x), i * B * T);
    return nats;
  } finally {
    scorer.dispose();
  }
}

const isSite = (site: BranchSite, { layer, of }: Pick<BranchSite, "layer" | "of">) =>
  layer.index === site.layer.index && of === site.of;

/** A plan that also returns the output of a branch, [B, positions, columns]. */
export function capturePlan(
  store: ParameterStore,
  { B, T, site }: { B: number; T: number; site: BranchSite },
): { plan: EvaluationPlan; branch: Tensor } {
  let branch: Tensor | undefined;
  const made = evaluationPlan(store, {
    B,
    T,
    interventions: {
      branch: (y, where) => {
        if (isSite(site, where)) branch = y;
        return y;
      },
    },
    alsoRead: () => [present(branch, "the branch")],
  });
  return { plan: made, branch: present(branch, "the branch") };
}

/** A plan with the output of a branch as an input. */
export function givenPlan(
  store: ParameterStore,
  { B, T, site }: { B: number; T: number; site: BranchSite },
): { plan: EvaluationPlan; given: Tensor } {
  let given: Tensor | undefined;
  const plan = evaluationPlan(store, {
    B,
    T,
    interventions: {
      branch: (y, { tape, ...where }) => {
        if (!isSite(site, where)) return y;
        given = tape.input("given branch", y.shape);
        return withRows(given, y.lead);
      },
    },
  });
  return { plan, given: present(given, "the branch") };
}

/** The outputs of a branch: one array per batch, and their mean over all sequences at each position. */
async function captured(
  { executor, store }: LesionModel,
  { batches, B, T }: LesionText,
  { site, signal }: { site: BranchSite; signal?: AbortSignal },
): Promise<{ outputs: Float32Array<ArrayBuffer>[]; average: Float32Array; width: number }> {
  const { plan, branch } = capturePlan(store, { B, T, site }), outputs: Float32Array<ArrayBuffer>[] = [];
  const size = sizeOf(branch.shape) / B, sums = new Float64Array(size);
  const scorer = await Scorer.create(executor, plan, { signal });
  try {
    for (const batch of batches) {
      await scorer.logp(batch);
      const output = Float32Array.from(await scorer.read(branch));
      for (let i = 0; i < output.length; i++) sums[i % size]! += output[i]!;
      outputs.push(output);
    }
  } finally {
    scorer.dispose();
  }
  const average = Float32Array.from(sums, (sum) => sum / (B * batches.length));
  return { outputs, average, width: branch.shape.slice(2).reduce((product, n) => product * n, 1) };
}

/** The output with some columns changed at every position. `average`: [positions, width]. */
export function changed(
  output: Float32Array<ArrayBuffer>,
  { B, change, average, width, from, to }: {
    B: number;
    change: Change;
    average: Float32Array;
    width: number;
    from: number;
    to: number;
  },
): Float32Array<ArrayBuffer> {
  const made = output.slice(), size = output.length / B;
  for (let b = 0; b < B; b++) {
    const other = (b + 1) % B * size;
    for (let place = 0; place < size; place += width) {
      for (let c = place + from; c < place + to; c++) {
        made[b * size + c] = change === "zero" ? 0 : change === "average" ? average[c]! : output[other + c]!;
      }
    }
  }
  return made;
}

/** All lesions of one branch and its heads. */
async function* branchLesions(
  model: LesionModel,
  text: LesionText,
  { site, signal }: { site: BranchSite; signal?: AbortSignal },
): AsyncGenerator<LesionLosses> {
  const { batches, B, T } = text, { outputs, average, width } = await captured(model, text, { site, signal });
  const { plan, given } = givenPlan(model.store, { B, T, site });
  const scorer = await Scorer.create(model.executor, plan, { signal });
  try {
    for (const { lesion, from, to } of site.columns) {
      for (const change of CHANGES) {
        const nats = new Float32Array(batches.length * B * T);
        for (const [i, batch] of batches.entries()) {
          scorer.write(given, changed(at(outputs, i), { B, change, average, width, from, to }));
          nats.set((await scorer.logp(batch)).map((x) => -x), i * B * T);
        }
        yield { lesion: { layer: site.layer.index, ...lesion, change }, nats };
      }
    }
  } finally {
    scorer.dispose();
  }
}

/** A lesion of the window of one layer. Other layers keep the window that they were trained with. */
async function seeLesion(
  model: LesionModel,
  text: LesionText,
  { site: { layer, window, meta, lesion }, signal }: { site: SeeSite; signal?: AbortSignal },
): Promise<LesionLosses> {
  const { metaTokens } = model.store.config;
  const interventions: Interventions = {
    see: (one) => one.index === layer.index ? { window, meta } : { window: one.window, meta: metaTokens },
  };
  return { lesion, nats: await lossesOf(model, text, { interventions, signal }) };
}

/** Lesions of the meta tokens: all zero, and all equal to their mean. Afterwards the model has its own weights again. */
async function metaLesions(model: LesionModel, text: LesionText, { signal }: LesionOptions): Promise<LesionLosses[]> {
  const { executor, store } = model, meta = store.tensor("meta"), D = store.config.dModel, found: LesionLosses[] = [];
  const own = Float32Array.from(await executor.read(meta)), average = new Float32Array(D);
  for (const [i, value] of own.entries()) average[i % D]! += value * D / own.length;
  try {
    for (const change of ["zero", "average"] as const) {
      executor.write(meta, own.map((_, i) => change === "zero" ? 0 : at(average, i % D)));
      found.push({ lesion: { part: "meta tokens", change }, nats: await lossesOf(model, text, { signal }) });
    }
  } finally {
    executor.write(meta, own);
  }
  return found;
}
