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
      "README: attention or Mamba, though its paper setting makes all 15 layers attention and leaves none for Mamba; its code: both in parallel at half width, joined by one learned scalar, no norms",
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
    here: "no dropout; 32-bit floats, what the backward pass needs in 16 bits with --precision bf16",
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
    here: "Mamba's, steps from 0.001 to 0.1; zero as an option",
  },
  {
    about: "Scales of the branches",
    study: "one scalar a layer, σ(0.5) = 0.62 for attention at the start",
    paper: "a vector β for each branch",
    code: "the weights of the two norms are those vectors",
    here: "as the code; --suite fusion compares it with a gate, a sum and a concatenation",
  },
  {
    about: "Norms of dt, B and C",
    study: "none",
    paper: "–",
    code: "one each, as in Jamba; plain Mamba has none",
    here: "in hymba, not in mamba",
  },
  {
    about: "Two published implementations",
    study: "–",
    paper: "–",
    code:
      "a second, simpler one has biases in its projections, 3 taps, step-size rank 8, 256 meta tokens, window 2048, equal head widths, global layers 5, 11, 18, 25 and 31, and no sharing; the released model differs in all of it",
    here: "the released model",
  },
  {
    about: "Names of the published sizes",
    study: "–",
    paper: "125M and 350M; its table of shapes gives 130.3 and 353.7 million, and 1,522,797,824 for 1.5B",
    code: "–",
    here:
      "the shapes, tested to the unit; the 130.3 hold when the odd local layer keeps its own keys, 129.9 in a group of three",
  },
  {
    about: "Parameters of the documented models",
    study:
      "82.5, 68.9 and 66.7 million come from a projection into each branch and one back that no text mentions, and a feed-forward width of 2048",
    paper: "–",
    code: "one fused projection in, one out",
    here: "66.5 million each in the paper preset; --profile seed has the study's models to the unit",
  },
  {
    about: "Length of training",
    study: "30 and 10 epochs in the README; speed times minutes of the stored table make 20 in all",
    paper: "1.3 or 1.5 trillion tokens; 2k tokens throughout, or 8k at the end",
    code: "–",
    here: "steps and tokens are counted and stand in every table",
  },
  {
    about: "What the second stage gains",
    study: "“2 to 5 %”, in a table that calls itself expected; it was not measured",
    paper: "–",
    code: "–",
    here: "measured, beside the same steps without preference",
  },
  {
    about: "What the NLL of ORPO counts",
    study: "all tokens",
    paper: "the chosen answer (Hong et al.)",
    code:
      "prompt and chosen answer, in its authors' code and in TRL; β is 1 by default in the first, 0.05 and 0.1 in its scripts, 0.1 in TRL",
    here: "prompt and chosen continuation, β 0.1",
  },
  {
    about: "Learning rate",
    study: "warm-up, then cosine to zero",
    paper: "warm-up, constant, over the last fifth down to 0.00001",
    code: "–",
    here: "as the study",
  },
  {
    about: "Meta tokens among themselves",
    study: "earlier ones see later ones",
    paper: "–",
    code: "causal",
    here: "causal",
  },
  {
    about: "Which mask runs",
    study:
      "depends on the installed packages: one fallback aligns the crop differently and would not leak without meta tokens",
    paper: "–",
    code: "two kernels, with W + 1 keys each",
    here: "one rule in every kernel, compared pair by pair",
  },
  {
    about: "Cache of a model without attention",
    study: "reduced “1.0 times”",
    paper: "bytes, 1.9 MB",
    code: "–",
    here: "no ratio; the bytes of its states",
  },
  {
    about: "Last row of the paper's roadmap",
    study: "–",
    paper: "45.59 in one table, 45.53 in two others; the mean of its tasks is 45.53",
    code: "–",
    here: "--suite roadmap measures its own",
  },
  {
    about: "Recall against a Transformer",
    study: "–",
    paper: "the text has Hymba ahead; at 1B its own table has the Transformer at 75.95 on SWDE and Hymba at 54.29",
    code: "–",
    here: "a probe by distance for every model",
  },
  {
    about: "Names of the figures",
    study: "README and notebook differ",
    paper: "–",
    code: "–",
    here: "those of the README",
  },
];
