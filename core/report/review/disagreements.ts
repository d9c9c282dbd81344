/** Where the documented study, the paper and the published code disagree, and what this program does. */

/** One question and what each source says of it. */
export interface Disagreement {
  readonly about: string;
  readonly study: string;
  readonly paper: string;
  readonly code: string;
  readonly here: string;
}

export const DISAGREEMENTS: readonly Disagreement[] = [
  {
    about: "What a layer is",
    study:
      "README: attention or Mamba; its code: both in parallel at half width, joined by one learned scalar, no norms",
    paper: "both in parallel, normalised, averaged",
    code: "as the paper, on one fused projection",
    here: "hymba is the paper's layer; hybrid-sequential is the README's either-or",
  },
  {
    about: "“50/50” and “paper setting”",
    study: "two rows of the table, one and the same model in the code: their difference is chance",
    paper: "–",
    code: "–",
    here: "two different architectures with the names above",
  },
  {
    about: "What local layers see in training",
    study: "keys cropped to the last W before masking: the mask then counts in the wrong place and shows the future",
    paper: "a causal window",
    code: "a causal window and the meta tokens",
    here: "as the code; every run proves it before the first step",
  },
  {
    about: "Size of the window",
    study: "W keys after the later repair",
    paper: "1024",
    code: "W + 1 keys in training, W in the decoding cache",
    here: "W keys, the query's own among them, everywhere",
  },
  {
    about: "Meta tokens",
    study: "64 in the configuration, 128 in the text; in the hybrids alone",
    paper: "128",
    code: "128, standard normal; linear layers 0.02",
    here: "64 in the paper preset; both starts can be chosen",
  },
  {
    about: "Sharing of keys and values",
    study: "a bookkeeping of groups; every layer keeps and uses its own projections in training",
    paper: "consecutive local layers share",
    code: "consumers have no key and value weights; an odd run of local layers begins with a group of three",
    here: "as the code, also while generating",
  },
  {
    about: "“KV reduction” 1.67 and 1.9",
    study:
      "layers over distinct caches: windows, meta tokens and bytes are left out; the README's own function would give 3",
    paper: "cache in bytes",
    code: "–",
    here: "both figures, and the bytes themselves",
  },
  {
    about: "ORPO",
    study: "the loss times (1 + β): no rejected text, no odds; the stored table has no second stage at all",
    paper: "odds-ratio penalty on pairs (a different paper: Hong et al.)",
    code: "–",
    here: "the real one with held-out pairs and a β = 0 control; the study's rule as --orpo-loss seed",
  },
  {
    about: "Which perplexity is reported",
    study: "the best of all validations; the last ones were up to three times worse",
    paper: "–",
    code: "–",
    here: "both, and the last decides",
  },
  {
    about: "Validation text",
    study: "random pieces between training pieces; the tokenizer has seen them, lower-cased and without spaces",
    paper: "benchmarks of their own",
    code: "–",
    here: "the last tenth of the text, unseen by the tokenizer, nothing thrown away",
  },
  {
    about: "Generation",
    study: "every single query takes position 0, cached keys are rotated a second time, consumers append to the cache",
    paper: "a cache for each group",
    code: "–",
    here: "positions go on; a test holds cached steps to the whole forward pass",
  },
  {
    about: "Dropout and precision",
    study: "dropout 0.1 in the notebook, none in the README; a gradient scaler that bfloat16 does not need",
    paper: "–",
    code: "–",
    here: "no dropout, 32-bit floats",
  },
  {
    about: "Speed of windows",
    study: "“local is fast” in words; measured 16 thousand tokens a second against 54 thousand for full attention",
    paper: "–",
    code: "–",
    here: "measured, in every table; windows skip whole tiles",
  },
  {
    about: "Layers of the attention figure",
    study: "layers 3 and 11 in the README, 4 and 11 in its code; the stored output has no maps at all",
    paper: "–",
    code: "–",
    here: "every global layer and two local ones, each head",
  },
  {
    about: "What a comparison varies",
    study: "meta tokens and sharing are on in the hybrids and off in most of what they are compared with",
    paper: "one change at a time, on a roadmap",
    code: "–",
    here: "--suite factorial, roadmap and fusion change one thing at a time",
  },
  {
    about: "Factor ½ in the fusion",
    study: "–",
    paper: "not in equation 3; “average” in the text",
    code: "divides by 2",
    here: "divides by 2",
  },
  {
    about: "Start of the step-size bias",
    study: "–",
    paper: "–",
    code: "zero, by an initialiser that passes over every linear layer",
    here: "Mamba's: steps from 0.001 to 0.1",
  },
];
