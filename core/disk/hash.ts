import { builtin } from "../system/host.ts";
import { type RunningHash, Sha256 } from "./sha256.ts";

export type { RunningHash } from "./sha256.ts";

/** A new SHA-256 hash. `node:crypto` is loaded at the first call, because it takes a third of the start-up of a short command. */
export const startSha256 = (): RunningHash => builtin("node:crypto")?.createHash("sha256") ?? new Sha256();

/** SHA-256 of bytes, or of text as UTF-8, in lower-case hexadecimal. */
export const sha256 = (content: Uint8Array | string): string => startSha256().update(content).digest("hex");

/** Length and SHA-256 of a sequence of bytes. */
export interface Digest {
  bytes: number;
  sha256: string;
}
