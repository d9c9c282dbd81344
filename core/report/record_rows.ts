/** The facts of a run record, as names and values. */
import type { StageConfig, StudyConfig } from "../config/mod.ts";
import { sharesOf } from "../data/split.ts";
import { type Run, type RunRecord, studyLabel } from "../record/mod.ts";
import { firstStageWords, oneLine } from "./caption.ts";
import { percent, whole } from "./format.ts";

/** In words: the text that the tokenizer was trained on, and the part of the text that the models were trained on. */
const dataWords = ({ profile, trainFraction, split }: StudyConfig): { tokenizer: string; train: string } =>
  profile === undefined
    ? {
      tokenizer: "trained on the training part only",
      train: split?.kind === "interleaved"
        ? `${percent(trainFraction)}, in blocks of ${split.blockCharacters} characters from the whole text with ` +
          `gaps of ${split.gapCharacters} on both sides,`
        : `first ${percent(trainFraction)}`,
    }
    : {
      tokenizer:
        "lower case without spaces, trained on the validation text, too (lossy: bits per byte count the validated " +
        "share of the text)",
      train: `shuffled sequences, ${percent(trainFraction)} of them,`,
    };

/** A tokenizer in words. `words`: its training text, unless it was given or was trained on a sample. */
function tokenizerWords({ vocabSize, source, sampleCharacters }: RunRecord["tokenizer"], words: string): string {
  const trained = sampleCharacters === undefined
    ? words
    : `trained on ${whole(sampleCharacters)} characters spread over the training part`;
  if (source === "bytes") return `bytes of UTF-8, ${whole(vocabSize)} pieces, not trained`;
  return `Unigram, ${whole(vocabSize)} pieces, ${
    source === undefined ? trained : `read from ${source}, not trained here`
  }`;
}

/** The size of the test part; undefined where there is none. */
function testPartWords({ corpus, data }: RunRecord): string | undefined {
  if (data.testTokens === undefined) return undefined;
  const own = corpus.test ? `the text ${corpus.test.name}, ` : "";
  return `${own}${whole(data.testTokens)} tokens predicted, ${whole(data.testBytes)} bytes of text`;
}

/** Most commands that are written out. run.json has all of them. */
const SHOWN_COMMANDS = 4;

/** The commands that trained the cells of a merged run; undefined for any other. */
function trainedByWords({ trained_by: by }: RunRecord): string | undefined {
  if (!by) return undefined;
  const rest = by.length - SHOWN_COMMANDS, shown = by.slice(0, SHOWN_COMMANDS).map(({ command }) => command);
  return [...shown, ...(rest > 0 ? [`${rest} more commands (run.json)`] : [])].join("; ");
}

/** Most files of a text that are named. run.json has all of them. */
const SHOWN_FILES = 8;

/** The files of a text in their order. */
export function namesInWords(files: readonly { readonly name: string }[]): string {
  const rest = files.length - SHOWN_FILES, shown = files.slice(0, SHOWN_FILES).map(({ name }) => name).join(", ");
  return rest > 0 ? `${shown} and ${rest} more (run.json)` : shown;
}

/** The facts of the run record: rows of a name and a value. */
export function recordRows({ record }: Run): [name: string, value: string][] {
  const { study, corpus, tokenizer, program } = record, words = dataWords(study), label = studyLabel(record);
  const { orpo } = study, first = firstStageWords(study);
  const rows: [name: string, value: string | undefined][] = [
    ["command", record.command],
    ["cells trained by", trainedByWords(record)],
    [label.kind, `${label.words}, seeds ${study.seeds.join(", ")}`],
    ["profile", study.profile && `${study.profile}: the documented study, unchanged`],
    ["started", record.started],
    ["corpus", `${corpus.name}, ${whole(corpus.bytes)} bytes, licence: ${corpus.licence}`],
    ["corpus files", corpus.files && namesInWords(corpus.files)],
    ["corpus SHA-256", corpus.sha256],
    ["corpus note", corpus.warning],
    ["tokenizer", tokenizerWords(tokenizer, words.tokenizer)],
    ["tokenizer SHA-256", tokenizer.sha256],
    ["data", partsInWords(record)],
    ["test part", testPartWords(record)],
    [
      "stage 1",
      `${first.steps} steps of ${first.batch} × ${study.sequenceLength} tokens${
        partsOfBatch(study.pretraining)
      }, peak rate ${first.rate}, then ${first.schedule}`,
    ],
    [
      "stage 2",
      study.lastStage === "pretraining"
        ? undefined
        : `${orpo.steps} steps of ${orpo.batch} pairs${
          partsOfBatch(orpo)
        }, peak rate ${orpo.rate}, loss ${study.preference.loss}`,
    ],
    ["computed by", `${record.backend}: ${joined(record.adapter)}`],
    ["processor", record.processor],
    ["versions", joined(record.versions)],
    ["commit", program && `${program.commit}${program.dirty ? ", with changes" : ""}`],
    ["kernels SHA-256", record.kernels],
  ];
  return rows.flatMap(([name, value]) => value ? [[name, oneLine(value)]] : []);
}

/** Says in how many parts a batch is computed, if in several. */
function partsOfBatch({ accumulate }: Pick<StageConfig, "accumulate">): string {
  return accumulate
    ? ` in ${accumulate} parts (gradients are summed part by part, in another order: other last digits than in one)`
    : "";
}

const joined = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values).map(([name, value]) => `${name} ${value}`).join(", ");

function partsInWords({ study, data, corpus: { validation } }: Run["record"]): string {
  const { train } = dataWords(study),
    share = study.split?.testFraction ? percent(sharesOf(study).validation) : "the rest";
  const rest = validation ? `the text ${validation.name}` : share;
  return `${train} for training (${whole(data.trainTokens)} tokens), ${rest} for validation ` +
    `(${whole(data.validationTokens)} tokens; ${whole(data.evaluatedTokens)} predicted, ${
      whole(data.evaluatedBytes)
    } bytes of text)`;
}
