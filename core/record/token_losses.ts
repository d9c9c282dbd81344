/** The loss of every validation token after a stage: losses-STAGE.safetensors. */
import { join } from "node:path";
import { type Disk, writeAtomic } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../params/safetensors.ts";
import { lossesFile } from "./paths.ts";
import type { TokenLosses } from "./types.ts";

/** Stores the loss of every validation token (nats) after a stage, beside the arm's weights. */
export async function writeLosses(
  disk: Disk,
  folder: string,
  { stage, nats }: Pick<TokenLosses, "stage" | "nats">,
): Promise<void> {
  const data = Float32Array.from(nats), tensors = { nats: { dtype: "F32" as const, shape: [data.length], data } };
  await writeAtomic(disk, join(folder, lossesFile(stage)), encodeSafetensors(tensors));
}

/** Reads the losses of tokens (nats). Throws a HymbaError when the file holds none. */
export function decodeLosses(bytes: Uint8Array<ArrayBuffer>, name: string): Float32Array {
  const { nats } = decodeSafetensors(bytes, { name }).tensors;
  if (nats?.dtype === "F32") return nats.data as Float32Array;
  throw new HymbaError(`${name} holds no losses`, { expected: "a tensor nats, F32" });
}
