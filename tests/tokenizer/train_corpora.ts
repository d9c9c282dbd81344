/**
 * Trains on generated corpora what `spm_train` (Debian package `sentencepiece`) trains on too, and stops at the first corpus
 * that is refused here and not there:
 *
 *     deno run -A --no-check tests/tokenizer/train_corpora.ts --corpora 2000 --seed 1
 *
 * Each corpus is trained with a size drawn from the seed, and with the largest or least size that `spm_train` names. `--first N` starts
 * at corpus N, so `--first N --corpora 1` repeats one.
 */
import { parseArgs } from "node:util";
import { UsageError } from "../../core/errors.ts";
import { type Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { Dice } from "../fuzz/dice.ts";
import { corpusOf } from "./corpora.ts";
import { spmTrain } from "./spm.ts";

interface Setting {
  vocabSize: number;
  byteFallback: boolean;
  characterCoverage: number;
}

/** What `spm_train` says: undefined when it succeeds. */
async function refusedByTheirs(text: string, { vocabSize, byteFallback, characterCoverage }: Setting) {
  const made = await spmTrain(text, {
    vocab_size: vocabSize,
    byte_fallback: byteFallback,
    character_coverage: characterCoverage,
    normalization_rule_name: "identity",
    add_dummy_prefix: false,
    remove_extra_whitespaces: false,
  });
  return typeof made === "string" ? made : undefined;
}

/** Our tokenizer, or the error message. */
function ours(text: string, setting: Setting): Tokenizer | string {
  try {
    return trainTokenizer(text, { ...setting, normalization: "identity", userDefinedSymbols: [] });
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

/** What came of the trainings: with how many both programs, one or none succeeded. */
export interface TrainCounts {
  trained: number;
  both: number;
  oursAlone: number;
  refusedByBoth: number;
}

/** One setting on one corpus. Returns what `spm_train` says, undefined when it succeeds. @throws {Error} when only we refuse. */
async function compare(
  text: string,
  { at, setting, counts }: { at: string; setting: Setting; counts: TrainCounts },
): Promise<string | undefined> {
  const theirs = await refusedByTheirs(text, setting), made = ours(text, setting);
  counts.trained++;
  if (theirs === undefined && typeof made === "string") {
    throw new Error(`${at}, ${JSON.stringify(setting)}: spm_train succeeds, we say: ${made}`);
  }
  if (typeof made !== "string" && made.vocabSize !== setting.vocabSize) throw new Error(`${at}: a wrong size`);
  if (theirs === undefined) counts.both++;
  else if (typeof made === "string") counts.refusedByBoth++;
  else counts.oursAlone++;
  return theirs;
}

/** Trains on corpora `first` up to `first + corpora` of a seed. @throws {Error} at the first that only we refuse. */
export async function trainOn(
  { seed, first = 0, corpora, onProgress }: {
    seed: number;
    first?: number;
    corpora: number;
    /** Told the counts after every hundred corpora. */
    onProgress?: (done: number, counts: TrainCounts) => void;
  },
): Promise<TrainCounts> {
  const counts: TrainCounts = { trained: 0, both: 0, oursAlone: 0, refusedByBoth: 0 };
  for (let number = first; number < first + corpora; number++) {
    const dice = new Dice(seed, number), text = corpusOf(dice), byteFallback = dice.once(2);
    const at = `corpus ${number} of seed ${seed}`,
      setting: Setting = {
        vocabSize: (byteFallback ? 260 : 4) + dice.below(dice.pick([50, 500, 4000])),
        byteFallback,
        characterCoverage: dice.pick([1, 0.9995, 0.98, 0.9]),
      };
    const refusal = await compare(text, { at, setting, counts });
    // The largest size that they train, or the least.
    const named = /value <= (\d+)|required_chars\. \d+ vs (\d+)/.exec(refusal ?? "");
    const vocabSize = Number(named?.[1] ?? named?.[2]);
    if (named) await compare(text, { at, setting: { ...setting, vocabSize }, counts });
    if ((number + 1 - first) % 100 === 0 && number + 1 < first + corpora) onProgress?.(number + 1 - first, counts);
  }
  return counts;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      corpora: { type: "string", default: "2000" },
      seed: { type: "string", default: "1" },
      first: { type: "string", default: "0" },
    },
  });
  const counts = await trainOn({
    seed: Number(values.seed),
    first: Number(values.first),
    corpora: Number(values.corpora),
    onProgress: (done, counts) => console.log(`seed=${values.seed} corpora=${done} ${JSON.stringify(counts)}`),
  });
  console.log(`seed=${values.seed} corpora=${values.corpora} ${JSON.stringify(counts)}`);
}
