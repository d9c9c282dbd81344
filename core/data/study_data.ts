/** The tokens of a study: the part of the corpus that it uses, the text of the tokenizer, and the split. */
import { permutation, STREAMS } from "../random.ts";
import { type Encoder, onePiece, type Part, partOf, predictedTokens, type TokenData } from "./parts.ts";
import { hasTest, type SplitRule, splitText } from "./split.ts";

/** The data settings of a study. */
export interface DataRule extends SplitRule {
  readonly characters?: number;
  readonly sequenceLength: number;
  /** `seed`: the documented study's split, see {@link shuffledSequences}. */
  readonly profile?: "seed";
  /** Texts that are a whole part each. */
  readonly texts?: { readonly validation?: string; readonly test?: string };
}

/** The part of a corpus that a study uses. The documented study used only the first nine tenths. */
function used(text: string, { characters, profile, trainFraction }: DataRule): string {
  const own = text.slice(0, characters);
  return profile === "seed" ? splitText(own, { trainFraction }).train.join("") : own;
}

/**
 * The training text of the tokenizer: the training part, each piece on a new line. In the documented study it includes the
 * validation text.
 */
export const tokenizerText = (text: string, rule: DataRule): string =>
  rule.profile === "seed" ? used(text, rule) : splitText(used(text, rule), rule).train.join("\n");

/** All parts as tokens. Throws UsageError when one is too short for sequences of T tokens. */
export function studyTokens(text: string, tokenizer: Encoder, rule: DataRule): TokenData {
  const own = used(text, rule), T = rule.sequenceLength;
  if (rule.profile === "seed") return documentedTokens(own, tokenizer, rule);
  const cut = splitText(own, rule), means = { tokenizer, T }, { validation, test } = rule.texts ?? {};
  return {
    train: partOf("train", cut.train, means),
    validation: partOf("validation", validation === undefined ? cut.validation : [validation], means),
    ...(hasTest(rule) ? { test: partOf("test", test === undefined ? cut.test : [test], means) } : {}),
  };
}

function documentedTokens(own: string, tokenizer: Encoder, { sequenceLength: T, trainFraction }: DataRule): TokenData {
  const tokens = tokenizer.encode(own),
    { train, validation } = shuffledSequences(tokens, { T, fraction: trainFraction });
  // Here the validation sequences are scattered and have lost their spaces, so their bytes are an estimate by number of tokens.
  const share = predictedTokens(validation) / tokens.length;
  return { train, validation: { ...validation, bytes: Math.round(new TextEncoder().encode(own).length * share) } };
}

/**
 * The documented study's split. The text is cut into sequences of T tokens and the sequences are shuffled. Then nine tenths are for
 * training and the rest is for validation, so validation sequences lie between training sequences of the same scenes. The order
 * differs from that study's, which used another random generator. The last target of a sequence is the first token of the next
 * sequence in the shuffled order.
 */
export function shuffledSequences(
  tokens: Uint32Array,
  { T, fraction }: { T: number; fraction: number },
): { train: Part; validation: Part } {
  const count = Math.floor(tokens.length / T), train = Math.floor(count * fraction);
  const order = permutation(count, { seed: 0, stream: STREAMS.batches, step: 2 ** 31 });
  const join = (chosen: Uint32Array) => {
    const all = new Uint32Array(chosen.length * T);
    for (const [i, from] of chosen.entries()) all.set(tokens.subarray(from * T, (from + 1) * T), i * T);
    return onePiece(all);
  };
  return { train: join(order.subarray(0, train)), validation: join(order.subarray(train)) };
}
