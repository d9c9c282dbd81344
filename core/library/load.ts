/** Finds and loads trained models. */
import { type Disk, thisDisk, webDisk } from "../disk/mod.ts";
import { quoted, UsageError } from "../errors.ts";
import { FILES, readModelRecord } from "../record/mod.ts";
import { findModel, readModel } from "../study/one_model.ts";
import { thisHost } from "../system/host.ts";
import { join } from "../system/path.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { readCheckpoint } from "./checkpoint_files.ts";
import { type Engine, openEngine } from "./engine.ts";
import type { HymbaLoadOptions } from "./options.ts";

interface Loaded {
  readonly engine: Engine;
  readonly tokenizer: Tokenizer | undefined;
}

/** Where a path leads: the files of a server are those below its address. */
function placeOf(path: string): { disk: Disk; folder: string; far: boolean } {
  const page: string | undefined = Reflect.get(globalThis, "location")?.href;
  if (thisHost() !== "browser" && !/^https?:\/\//.test(path)) return { disk: thisDisk(), folder: path, far: false };
  return { disk: webDisk(new URL(`${path.replace(/\/$/, "")}/`, page)), folder: ".", far: true };
}

/** A path of weights inside a run: `RUN/arms/NAME-SEED/STAGE.safetensors`. */
const WEIGHTS = /^(.*?)[/\\]?arms[/\\](.+)-(\d+)[/\\](\w+)\.safetensors$/;

/** Loads the model at a path, see `Hymba.load`. */
export async function loadModel(path: string, options: HymbaLoadOptions): Promise<Loaded> {
  const [, run, model, seed, stage] = WEIGHTS.exec(path) ?? [];
  if (run !== undefined) return await fromFolder(run || ".", { ...options, model, trainingSeed: Number(seed), stage });
  const { disk, folder, far } = placeOf(path);
  const isKnown = await disk.stat(join(folder, FILES.record)) || await readModelRecord(disk, folder);
  if (isKnown) return await fromFolder(path, options);
  // A server lists no files, so only a run can be found there.
  const isFolder = !far && (await disk.stat(folder))?.kind === "folder";
  const checkpoint = isFolder ? await readCheckpoint(disk, folder, "latest") : undefined;
  if (!checkpoint) {
    throw new UsageError(`there is no model at ${quoted(path)}`, {
      expected:
        "the folder of a run (with run.json), weights in it, a folder of hymba import, or checkpoints of saveCheckpoint",
    });
  }
  const { config, tokenizer, state: { groups } } = checkpoint,
    { model: _, trainingSeed: __, stage: ___, ...backend } = options;
  const engine = await openEngine(config, backend);
  return await ready(engine, () => {
    engine.putWeights(groups.weights ?? {}, checkpoint.path);
    return { engine, tokenizer };
  });
}

async function fromFolder(path: string, { model, trainingSeed, stage, ...backend }: HymbaLoadOptions): Promise<Loaded> {
  const { disk, folder } = placeOf(path);
  const files = await findModel(disk, folder, { model, seed: trainingSeed, stage });
  const { tokenizer, weights } = await readModel(disk, files), engine = await openEngine(files.arm.config, backend);
  return await ready(engine, () => {
    engine.executor.useTiles?.(files.tiles ?? {});
    engine.writeWeights(weights);
    return { engine, tokenizer };
  });
}

/** Fills an engine; closes it when that fails. */
async function ready(engine: Engine, fill: () => Loaded): Promise<Loaded> {
  try {
    return fill();
  } catch (cause) {
    await engine.close();
    throw cause;
  }
}
