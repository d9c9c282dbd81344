/** Checkpoints: a model, and a training that continues later with the same bits. */
import type { TrainerState } from "../train/trainer.ts";
import type { Checkpoint } from "./checkpoint_types.ts";
import { pathGiven, requireGiven, requireOptions } from "../given.ts";
import { engineOf, Hymba } from "./hymba.ts";
import { stateOf, Trainer } from "./trainer.ts";
import { stateOfCheckpoint } from "./checkpoint_state.ts";

/** How to save. */
export interface SaveCheckpointOptions {
  /** Lower is better, such as the loss on validation text. The checkpoint of the lowest score is kept. */
  score?: number;
}

/** Which checkpoint to load. */
export interface LoadCheckpointOptions {
  /** The newest, or that of the lowest score. Default `latest`. */
  which?: "latest" | "best";
}

/** The state of a model without moments. */
async function untrained(model: Hymba): Promise<TrainerState> {
  const { takeArena } = await import("../train/snapshot.ts"), { executor, store } = engineOf(model);
  return { step: 0, groups: { weights: await takeArena(executor, store, "parameters") } };
}

/**
 * Saves a model, or a training with its model, moments and step, as a new checkpoint below `folder`. Returns the path of the checkpoint.
 * When it returns, the checkpoint survives a kill and a power loss. The two newest and the best are kept, older ones removed. A folder
 * is for one model. Throws HymbaError when the disk has no room or refuses; earlier checkpoints are untouched then. Not in browsers.
 *
 * @example
 * ```ts
 * import { Hymba, loadCheckpoint, saveCheckpoint } from "@hymba/hymba";
 *
 * await using model = await Hymba.create({ vocabSize: 400, dModel: 32, nLayers: 2, nHeads: 4, nKvHeads: 2 });
 * const path = await saveCheckpoint(model, "checkpoints");
 * const { config, weights } = await loadCheckpoint("checkpoints") ?? {};
 * console.log(path, config?.dModel, weights?.embedding?.shape);
 * await using same = await Hymba.load(path);
 * ```
 */
export async function saveCheckpoint(
  source: Hymba | Trainer,
  folder: string,
  options: SaveCheckpointOptions = {},
): Promise<string> {
  requireOptions(options, "saveCheckpoint");
  const { score } = options, path = pathGiven(folder, "saveCheckpoint");
  requireGiven(source instanceof Trainer || source instanceof Hymba, "saveCheckpoint: the source is wrong", {
    expected: "a Hymba or a Trainer",
    value: source,
  });
  const [{ writeCheckpoint }, { thisDisk }] = await Promise.all([
    import("./checkpoint_files.ts"),
    import("../disk/mod.ts"),
  ]);
  const model = source instanceof Trainer ? source.model : source;
  const state = await (source instanceof Trainer ? stateOf(source) : untrained(source));
  const { config, tokenizer } = model;
  return await writeCheckpoint(thisDisk(), path, { config, tokenizer, score, state });
}

/**
 * Reads the newest checkpoint below `folder`, or the one whose own folder it is: those of {@link saveCheckpoint}, and those of a run
 * (`RUN/arms/hymba-1/checkpoints`). Undefined when there is none. {@link Trainer.restore} continues from it, {@link Hymba.load} makes a
 * model of it. Throws HymbaError when it is damaged. Not in browsers.
 */
export async function loadCheckpoint(
  folder: string,
  options: LoadCheckpointOptions = {},
): Promise<Checkpoint | undefined> {
  requireOptions(options, "loadCheckpoint");
  const { which = "latest" } = options;
  requireGiven(which === "latest" || which === "best", "loadCheckpoint: which is wrong", {
    expected: "latest or best",
    value: which,
  });
  const path = pathGiven(folder, "loadCheckpoint");
  const [{ readCheckpoint }, { thisDisk }] = await Promise.all([
    import("./checkpoint_files.ts"),
    import("../disk/mod.ts"),
  ]);
  const found = await readCheckpoint(thisDisk(), path, which);
  if (!found) return undefined;
  const { state, ...about } = found;
  const weights = Object.entries(state.groups.weights ?? {}).flatMap(([name, { dtype, shape, data }]) =>
    dtype === "F32" ? [[name, { shape, data }] as const] : []
  );
  const checkpoint: Checkpoint = { ...about, step: state.step, weights: Object.fromEntries(weights) };
  stateOfCheckpoint.set(checkpoint, state);
  return checkpoint;
}
