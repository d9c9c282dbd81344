/** The output head of a foreign model. Here it is the embedding. */
import { UsageError } from "../errors.ts";
import type { ForeignTensors, Take } from "./foreign_tensors.ts";

const HEAD = "lm_head.weight", EMBEDDING = "model.embed_tokens.weight";

/**
 * Reads a stored output head. Throws a UsageError if it differs from the embedding, or if it must be stored and is missing.
 */
export function requireTiedHead(
  { file, tensors }: ForeignTensors,
  take: Take,
  { tied, shape }: { tied: boolean; shape: readonly number[] },
): void {
  if (tied && !Object.hasOwn(tensors, HEAD)) return;
  const embedding = take(EMBEDDING, shape), head = take(HEAD, shape);
  if (head.every((value, i) => value === embedding[i])) return;
  throw new UsageError(`${file}: the output head is not the embedding`, {
    expected: "tie_word_embeddings: models of this program have one table for both",
    got: `another ${HEAD}`,
  });
}
