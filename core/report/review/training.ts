/** The preference stage and the tokenizer. */
import { formula, type Section, text } from "./section.ts";

export const ORPO: Section = {
  title: "ORPO: preference without a reference model",
  blocks: [
    text`A pair holds a prompt $x$, a chosen continuation $y_w$ and a rejected one $y_l$. The mean log-probabilities of their
tokens and the odds are`,
    formula`c = \tfrac{1}{|y_w|} \sum_t \log p(y_{w,t} \mid \cdot), \quad r = \tfrac{1}{|y_l|} \sum_t \log p(y_{l,t} \mid \cdot), \qquad
\mathrm{odds}(c) = \frac{e^c}{1 - e^c}`,
    text`Hong et al. (2024, arXiv 2403.07691) add to the usual loss a penalty that is small when the odds of the chosen
continuation are larger:`,
    formula`\mathrm{lo} = \log \frac{\mathrm{odds}(c)}{\mathrm{odds}(r)} = (c - r) - \left( \log(1 - e^c) - \log(1 - e^r) \right), \qquad
L = \mathrm{NLL} - \beta\, \log \sigma(\mathrm{lo})`,
    text`Because $\frac{d}{dc}\left(c - \log(1-e^c)\right) = \frac{1}{1-e^c}$, the gradient of the penalty is`,
    formula`\frac{\partial L}{\partial c} = -\beta\, \frac{\sigma(-\mathrm{lo})}{1 - e^c}, \qquad
\frac{\partial L}{\partial r} = +\beta\, \frac{\sigma(-\mathrm{lo})}{1 - e^r}`,
    text`It is divided by the number of tokens and passed on through the softmax of each token. It becomes small as soon as the
model prefers the chosen continuation. For a small model $e^c$ is around 0.01 to 0.2, and the loss is close to a logistic ranking
loss of $c - r$. The NLL counts prompt and chosen continuation, as in the library TRL; the paper counts only the continuation.
Computed directly, $\log(1-e^x)$ loses all digits near zero. Two forms are used, split at $x = -\ln 2$.`,
    text`A control repeats the same steps with $\beta = 0$ from the same checkpoint. It shows the effect of more training alone.
Pairs have to be constructed, because a play or a novel has no preferences. The chosen continuation is the true one. The rejected
one is a sample of the model after its first stage, or the true one with its tokens shuffled. A model that learns this
preference has learnt to distinguish its own texts from the author's, and no more.`,
  ],
  code: ["core/ops/losses.ts", "core/reference/losses.ts", "core/data/preference.ts", "core/train/objective.ts"],
  tests: ["tests/ops/losses_test.ts"],
};

export const UNIGRAM: Section = {
  title: "The tokenizer: a Unigram model by expectation maximisation",
  blocks: [
    text`A text is a sequence of independently drawn pieces (Kudo, 2018). Its probability is a sum over all segmentations $S$:`,
    formula`P(x) = \sum_{S \in \mathcal{S}(x)} \prod_{s \in S} p(s)`,
    text`The expectation step needs the expected count of each piece. Forward and backward sums over the lattice give it without
listing the segmentations. Let $\alpha_i$ be the logarithm of the sum over all segmentations of the first $i$ characters,
$\beta_j$ that of the characters after $j$, and $Z = \alpha_{|x|}$:`,
    formula`\mathbb{E}[\,\#s\,] = \sum_{(i,j)\,:\,x_{i:j} = s} \exp\left( \alpha_i + \log p(s) + \beta_j - Z \right)`,
    text`Plain maximisation would make $p(s)$ proportional to this count. SentencePiece and this program use $\log p(s) =
\psi(\mathbb{E}[\#s]) - \psi(\sum \mathbb{E})$ with the digamma function $\psi$ instead. It follows from a sparse prior and
lowers the probability of rare pieces. Then pieces are removed, a quarter at a time, until the vocabulary has its final size.
The pieces that go are those whose replacement by the next best segmentation costs the least likelihood. Single characters
always stay, and unknown characters become bytes. Every text therefore has an encoding that decodes to the same text.`,
    text`The tokenizer is trained on the training part only. Bits per byte is the loss per byte of the original text,
$\mathrm{bpb} = L \cdot N_{\mathrm{tokens}} / (N_{\mathrm{bytes}} \ln 2)$. It can be compared across tokenizers; perplexity
per token cannot.`,
  ],
  code: [
    "core/tokenizer/train/expectation.ts",
    "core/tokenizer/train/prune.ts",
    "core/tokenizer/lattice.ts",
    "core/data/baselines.ts",
  ],
  tests: ["tests/tokenizer/train_test.ts", "tests/tokenizer/lattice_test.ts", "tests/tokenizer/parity_test.ts"],
};
