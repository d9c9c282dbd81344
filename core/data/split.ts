/** Text to tokens: a contiguous split, so that no validation sentence is seen in training. */
import { UsageError } from "../errors.ts";

/** What `split` needs of a tokenizer. */
export interface Encoder {
  encode(text: string): Uint32Array;
  decode(ids: ArrayLike<number>): string;
}

/** The first `fraction` of the characters, and the rest. A character outside the basic plane is not cut in two. */
export function splitText(text: string, fraction: number): { train: string; validation: string } {
  let at = Math.floor(text.length * fraction);
  const unit = text.charCodeAt(at);
  if (unit >= 0xdc00 && unit < 0xe000) at++;
  return { train: text.slice(0, at), validation: text.slice(at) };
}

export interface TokenData {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Bytes of UTF-8 that all validation tokens but the first stand for: the denominator of bits per byte. */
  readonly evaluatedBytes: number;
}

const utf8Bytes = (text: string) => new TextEncoder().encode(text).length;

/** Encodes both parts. Throws UsageError when one is too short for sequences of T tokens. */
export function tokenize(
  parts: { train: string; validation: string },
  tokenizer: Encoder,
  { T }: { T: number },
): TokenData {
  const train = tokenizer.encode(parts.train), validation = tokenizer.encode(parts.validation);
  for (const [name, tokens] of Object.entries({ train, validation })) {
    if (tokens.length < T + 2) {
      throw new UsageError(`the ${name} part of the corpus is too short`, {
        expected: `at least ${T + 2} tokens`,
        got: `${tokens.length} tokens`,
        hint: "a longer text, or a preset with shorter sequences (--preset smoke)",
      });
    }
  }
  const first = utf8Bytes(tokenizer.decode(validation.subarray(0, 1)));
  return { train, validation, evaluatedBytes: utf8Bytes(parts.validation) - first };
}
