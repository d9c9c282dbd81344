/** The loss of every validation token after a stage: losses-STAGE.safetensors. */
import { join } from "../system/path.ts";
import { type Disk, writeAtomic } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { readSafetensors } from "../params/read_safetensors.ts";
import { encodeSafetensors } from "../params/safetensors.ts";
import { lossesFile } from "./paths.ts";
import type { StageName } from "./rules.ts";

/** The loss of each token of a held-out part after a stage. */
export interface TokenLosses {
  readonly arm: string;
  readonly seed: number;
  readonly stage: StageName;
  /** Nats of every predicted token, in the order of the text: the same tokens for all arms. */
  readonly nats: Float32Array;
}

/** Stores the loss of every validation token (nats) after a stage, beside the arm's weights. */
export async function writeLosses(
  disk: Disk,
  folder: string,
  { stage, nats }: Pick<TokenLosses, "stage" | "nats">,
): Promise<void> {
  await writeAtomic(disk, join(folder, lossesFile(stage)), encodeLosses(nats));
}

/** Losses of tokens (nats) as a file. */
export function encodeLosses(nats: Float32Array): Uint8Array {
  const data = Float32Array.from(nats);
  return encodeSafetensors({ nats: { dtype: "F32" as const, shape: [data.length], data } });
}

/** Reads the losses of tokens (nats). Throws a HymbaError when the file holds none. */
export async function readLosses(disk: Disk, path: string): Promise<Float32Array> {
  const { nats } = (await readSafetensors(disk, path)).tensors;
  if (nats?.dtype === "F32") return nats.data;
  throw new HymbaError(`${path} holds no losses`, { expected: "a tensor nats, F32" });
}
