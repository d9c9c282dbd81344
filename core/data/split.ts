/** The split into training and validation text, and their tokens. Both are contiguous, so training sees no validation sentence. */
import { UsageError } from "../errors.ts";

/** The methods of a tokenizer that {@link tokenize} uses. */
export interface Encoder {
  encode(text: string): Uint32Array;
  /** Bytes of UTF-8 that a token stands for. */
  bytesOf(id: number): number;
}

/** The first `fraction` of the text (UTF-16 units), and the rest. A surrogate pair is never cut in two. */
export function splitText(text: string, fraction: number): { train: string; validation: string } {
  const wanted = Math.floor(text.length * fraction), unit = text.charCodeAt(wanted);
  const end = unit >= 0xdc00 && unit < 0xe000 ? wanted + 1 : wanted;
  return { train: text.slice(0, end), validation: text.slice(end) };
}

export interface TokenData {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** UTF-8 bytes of all validation tokens except the first: the denominator of bits per byte. */
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
        hint: "use a longer text, or a preset with shorter sequences (--preset smoke)",
      });
    }
  }
  const [first = 0] = validation;
  return { train, validation, evaluatedBytes: utf8Bytes(parts.validation) - tokenizer.bytesOf(first) };
}
