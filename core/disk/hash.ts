import { createHash } from "node:crypto";

/** SHA-256 of bytes, or of text as UTF-8, in lower-case hexadecimal. */
export const sha256 = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

/** Length and SHA-256 of a sequence of bytes. */
export interface Digest {
  bytes: number;
  sha256: string;
}
