/** The text of a study as its tokens: which part of a corpus is used, what the tokenizer may see, and how the rest is split. */
import { permutation, STREAMS } from "../random.ts";
import { type Encoder, splitText, type TokenData, tokenize } from "./split.ts";

/** What a study says of its data. */
export interface DataRule {
  readonly characters?: number;
  readonly trainFraction: number;
  readonly sequenceLength: number;
  /** `seed`: the documented study's split, see {@link interleaved}. */
  readonly profile?: "seed";
}

/** The part of a corpus that a study uses. The documented study had the first nine tenths alone. */
function used(text: string, { characters, profile, trainFraction }: DataRule): string {
  return profile === "seed" ? splitText(text.slice(0, characters), trainFraction).train : text.slice(0, characters);
}

/** What the tokenizer is trained on: the training part, or as in the documented study validation text too. */
export const tokenizerText = (text: string, rule: DataRule): string =>
  rule.profile === "seed" ? used(text, rule) : splitText(used(text, rule), rule.trainFraction).train;

/** Both parts as tokens. Throws UsageError when one is too short for sequences of T tokens. */
export function studyTokens(text: string, tokenizer: Encoder, rule: DataRule): TokenData {
  const T = rule.sequenceLength;
  if (rule.profile !== "seed") return tokenize(splitText(used(text, rule), rule.trainFraction), tokenizer, { T });
  const own = used(text, rule), tokens = tokenizer.encode(own);
  const parts = interleaved(tokens, { T, fraction: rule.trainFraction });
  // Validation sequences lie scattered over a text whose spaces are lost: they get their share of its bytes.
  const share = (parts.validation.length - 1) / tokens.length;
  return { ...parts, evaluatedBytes: Math.round(new TextEncoder().encode(own).length * share) };
}

/**
 * The documented study's split: the text is cut into sequences of T tokens, which are shuffled before nine tenths of them train
 * and the rest validates, so that validation lies between training sequences of the same scenes. The order is ours: that study's
 * came from another generator. The last target of a sequence is the first token of the one that follows in the shuffled order.
 */
export function interleaved(
  tokens: Uint32Array,
  { T, fraction }: { T: number; fraction: number },
): Pick<TokenData, "train" | "validation"> {
  const count = Math.floor(tokens.length / T), train = Math.floor(count * fraction);
  const order = permutation(count, { seed: 0, stream: STREAMS.batches, step: 2 ** 31 });
  const join = (chosen: Uint32Array) => {
    const all = new Uint32Array(chosen.length * T);
    chosen.forEach((from, i) => all.set(tokens.subarray(from * T, (from + 1) * T), i * T));
    return all;
  };
  return { train: join(order.subarray(0, train)), validation: join(order.subarray(train)) };
}
