/** A file of weights names its model, stage and tokenizer. Files of another model can have the same shapes. */
import { HymbaError, quoted } from "../errors.ts";

/** What a file of weights says of itself. A model that was imported has neither arm nor stage. */
export interface WeightsOrigin {
  readonly arm?: string;
  readonly stage?: string;
  /** The hash of the tokenizer. */
  readonly tokenizer?: string;
}

const WORDS = [
  ["arm", "are of another model"],
  ["stage", "are of another stage"],
  ["tokenizer", "were trained with another tokenizer"],
] as const;

/** Throws a HymbaError if a file of weights does not name what `wanted` names. `path`: of the file. */
export function requireOwnWeights(
  path: string,
  { metadata, wanted }: { metadata: Readonly<Record<string, string>>; wanted: WeightsOrigin },
): void {
  for (const [key, words] of WORDS) {
    const expected = wanted[key], got = metadata[key];
    if (expected === undefined || got === expected) continue;
    throw new HymbaError(`the weights in ${path} ${words}`, {
      expected,
      got: got === undefined ? `a file that names no ${key}` : quoted(got),
      hint: "put the file of this model back, or remove this one and make it again",
    });
  }
}
