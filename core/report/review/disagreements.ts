/** Questions on which the documented study, the paper and the published code disagree, and what this program does. */

/** One question and the answer of each source. */
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
    here: "hymba is the paper's layer; hybrid-sequential has attention or Mamba in each layer, as in the README",
  },
  {
    about: "“50/50” and “paper setting”",
    study: "two rows of the table, but the same model in the code: their difference is noise",
    paper: "–",
    code: "–",
    here: "two different architectures with the names above",
  },
  {
    about: "What local layers see in training",
    study: "keys cropped to the last W before masking: the mask then uses wrong positions and shows the future",
    paper: "a causal window",
    code: "a causal window and the meta tokens",
    here: "as the code; every run checks it before the first step",
  },
  {
    about: "Size of the window",
    study: "W keys after the later repair",
    paper: "1024",
    code: "W + 1 keys in training, W in the decoding cache",
    here: "W keys, including the query's own, in training and decoding",
  },
  {
    about: "Meta tokens",
    study: "64 in the configuration, 128 in the text; only in the hybrids",
    paper: "128",
    code: "128, initialised from a standard normal; linear layers with deviation 0.02",
    here: "64 in the paper preset; both initialisations are options",
  },
  {
    about: "Sharing of keys and values",
    study: "groups are recorded, but in training every layer uses its own projections",
    paper: "consecutive local layers share",
    code: "consumers have no key and value weights; an odd number of local layers begins with a group of three",
    here: "as the code, in training and in generation",
  },
  {
    about: "“KV reduction” 1.67 and 1.9",
    study:
      "layers divided by distinct caches, which ignores windows, meta tokens and bytes; the README's function would give 3",
    paper: "cache in bytes",
    code: "–",
    here: "both ratios, and the bytes",
  },
  {
    about: "ORPO",
    study: "the loss times (1 + β): no rejected text, no odds; the stored table has no second stage",
    paper: "odds-ratio penalty on pairs (a different paper: Hong et al.)",
    code: "–",
    here: "the published loss with held-out pairs and a β = 0 control; the study's rule as --orpo-loss seed",
  },
  {
    about: "Which perplexity is reported",
    study: "the best of all validations; the last ones were up to three times worse",
    paper: "–",
    code: "–",
    here: "both; comparisons use the last",
  },
  {
    about: "Validation text",
    study: "random pieces between training pieces; the tokenizer was trained on them, in lower case without spaces",
    paper: "its own benchmarks",
    code: "–",
    here: "the last tenth of the text, unchanged; the tokenizer was not trained on it",
  },
  {
    about: "Generation",
    study: "every new query has position 0, cached keys are rotated a second time, consumers append to the cache",
    paper: "a cache for each group",
    code: "–",
    here: "positions continue; a test compares cached steps with the whole forward pass",
  },
  {
    about: "Dropout and precision",
    study: "dropout 0.1 in the notebook, none in the README; a gradient scaler, which bfloat16 does not need",
    paper: "–",
    code: "–",
    here: "no dropout; 32-bit floats; with --precision bf16 the saved activations have 16 bits",
  },
  {
    about: "Speed of windows",
    study: "claims “local is fast”, but measures 16 thousand tokens a second against 54 thousand for full attention",
    paper: "–",
    code: "–",
    here: "measured in every table; windows skip whole tiles",
  },
  {
    about: "Layers of the attention figure",
    study: "layers 3 and 11 in the README, 4 and 11 in its code; the stored output has no maps",
    paper: "–",
    code: "–",
    here: "all global layers and two local ones, with every head",
  },
  {
    about: "What a comparison varies",
    study: "meta tokens and sharing are on in the hybrids and off in most other models",
    paper: "one change at a time, in a roadmap",
    code: "–",
    here: "--suite factorial, roadmap, fusion and decompose change one factor at a time",
  },
  {
    about: "Factor ½ in the fusion",
    study: "–",
    paper: "not in equation 3; “average” in the text",
    code: "divides by 2",
    here: "divides by 2",
  },
  {
    about: "Initial value of the step-size bias",
    study: "–",
    paper: "–",
    code: "zero: one initialiser sets the bias of every linear layer",
    here: "Mamba's: steps from 0.001 to 0.1; zero is an option",
  },
  {
    about: "Scales of the branches",
    study: "one scalar per layer, initially σ(0.5) = 0.62 for attention",
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
      "a second, simpler one has biases in its projections, 3 taps, step-size rank 8, 256 meta tokens, window 2048, equal head widths, global layers 5, 11, 18, 25 and 31, and no sharing; the released model differs in all of these",
    here: "the released model",
  },
  {
    about: "Names of the published sizes",
    study: "–",
    paper: "125M and 350M; its table of shapes gives 130.3 and 353.7 million, and 1,522,797,824 for 1.5B",
    code: "–",
    here:
      "the shapes, tested to the exact count; 130.3 million if the odd local layer keeps its own keys, 129.9 with a group of three",
  },
  {
    about: "Parameters of the documented models",
    study:
      "82.5, 68.9 and 66.7 million; they include input and output projections of each branch that no text mentions, and a feed-forward width of 2048",
    paper: "–",
    code: "one fused input projection, one output projection",
    here: "66.5 million each in the paper preset; --profile seed has exactly the study's models",
  },
  {
    about: "Length of training",
    study: "30 and 10 epochs in the README; the speed and the minutes of the stored table give 20 in all",
    paper: "1.3 or 1.5 trillion tokens; sequences of 2k tokens throughout, or of 8k at the end",
    code: "–",
    here: "every table has the number of steps and tokens",
  },
  {
    about: "What the second stage gains",
    study: "“2 to 5 %” in a table of expected results; it was not measured",
    paper: "–",
    code: "–",
    here: "measured against the same steps without preference",
  },
  {
    about: "What the NLL of ORPO counts",
    study: "all tokens",
    paper: "the chosen answer (Hong et al.)",
    code:
      "prompt and chosen answer, in the authors' code and in TRL; β is 1 by default in the authors' code, 0.05 and 0.1 in their scripts, 0.1 in TRL",
    here: "prompt and chosen continuation, β 0.1",
  },
  {
    about: "Learning rate",
    study: "warm-up, then cosine to zero",
    paper: "warm-up, constant, then a decay to 0.00001 over the last fifth",
    code: "–",
    here: "as the study",
  },
  {
    about: "Meta tokens among themselves",
    study: "earlier meta tokens see later ones",
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
    here: "one rule in every kernel; a test compares all pairs",
  },
  {
    about: "Cache of a model without attention",
    study: "reduced “1.0 times”",
    paper: "bytes, 1.9 MB",
    code: "–",
    here: "no ratio, but the bytes of its states",
  },
  {
    about: "Last row of the paper's roadmap",
    study: "–",
    paper: "45.59 in one table, 45.53 in two others; the mean of its tasks is 45.53",
    code: "–",
    here: "--suite roadmap measures it again",
  },
  {
    about: "Recall against a Transformer",
    study: "–",
    paper: "the text says Hymba is ahead; at 1B its table has the Transformer at 75.95 on SWDE and Hymba at 54.29",
    code: "–",
    here: "a recall probe by distance for every model",
  },
  {
    about: "Names of the figures",
    study: "README and notebook differ",
    paper: "–",
    code: "–",
    here: "those of the README",
  },
];
