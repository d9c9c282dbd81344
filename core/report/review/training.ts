/** The preference stage and the tokenizer. */
import { formula, type Section, text } from "./section.ts";

export const ORPO: Section = {
  title: "ORPO: preference without a reference model",
  blocks: [
    text`A pair holds a prompt $x$, a chosen continuation $y_w$ and a rejected one $y_l$. With the mean log-probability of the
continuation's tokens and the odds that belong to it,`,
    formula`c = \tfrac{1}{|y_w|} \sum_t \log p(y_{w,t} \mid \cdot), \quad r = \tfrac{1}{|y_l|} \sum_t \log p(y_{l,t} \mid \cdot), \qquad
\mathrm{odds}(c) = \frac{e^c}{1 - e^c}`,
    text`Hong et al. (2024, arXiv 2403.07691) add to the usual loss a penalty that is small when the odds of the chosen
continuation are larger:`,
    formula`\mathrm{lo} = \log \frac{\mathrm{odds}(c)}{\mathrm{odds}(r)} = (c - r) - \left( \log(1 - e^c) - \log(1 - e^r) \right), \qquad
L = \mathrm{NLL} - \beta\, \log \sigma(\mathrm{lo})`,
    text`Because $\frac{d}{dc}\left(c - \log(1-e^c)\right) = \frac{1}{1-e^c}$, the gradient of the penalty is`,
    formula`\frac{\partial L}{\partial c} = -\beta\, \frac{\sigma(-\mathrm{lo})}{1 - e^c}, \qquad
\frac{\partial L}{\partial r} = +\beta\, \frac{\sigma(-\mathrm{lo})}{1 - e^r}`,
    text`divided by the number of tokens and carried on through the soft-max of each. It fades as soon as a pair is told apart.
For a small model $e^c$ is around 0.01 to 0.2, and the whole is close to a logistic ranking loss of $c - r$. The NLL counts
prompt and chosen continuation, as in the library TRL; the paper's own words are narrower. $\log(1-e^x)$ loses all digits
near zero if computed as written; two forms are used, split at $x = -\ln 2$.`,
    text`Two controls keep the result honest. The same steps with $\beta = 0$ from the same checkpoint show what more training
alone does. And pairs have to be made, because a play or a novel has no preferences: the chosen continuation is the true one,
the rejected one a sample of the model after its first stage or a shuffled truth. A model that learns to tell them apart has
learnt to tell its own texts from the author's, no more.`,
  ],
  code: ["core/ops/losses.ts", "core/reference/losses.ts", "core/data/preference.ts", "core/train/programs.ts"],
  tests: ["tests/ops/losses_test.ts"],
};

export const UNIGRAM: Section = {
  title: "The tokenizer: a Unigram model by expectation maximisation",
  blocks: [
    text`A text is a sequence of pieces drawn independently (Kudo, 2018); its probability is a sum over all ways $S$ to cut it:`,
    formula`P(x) = \sum_{S \in \mathcal{S}(x)} \prod_{s \in S} p(s)`,
    text`The expectation step needs how often each piece occurs on average. Forward and backward sums over the lattice of cuts give
it without listing them. With $\alpha_i$ the logarithm of the sum over all cuts of the first $i$ characters, $\beta_j$ of the
rest, $Z = \alpha_{|x|}$:`,
    formula`\mathbb{E}[\,\#s\,] = \sum_{(i,j)\,:\,x_{i:j} = s} \exp\left( \alpha_i + \log p(s) + \beta_j - Z \right)`,
    text`The maximisation step would set $p(s)$ in proportion. SentencePiece and this program use $\log p(s) = \psi(\mathbb{E}[\#s]) -
\psi(\sum \mathbb{E})$ with the digamma function $\psi$ instead, which a sparse prior leads to and which takes from
rare pieces. Pieces are then dropped by what the likelihood would lose if the best other cut took their place, a quarter at
a time, until the vocabulary has the wanted size. Characters always stay, and bytes catch the rest, so that every text has
an encoding and comes back from it unchanged.`,
    text`The tokenizer sees the training part only. Bits per byte, the loss over the bytes of the original text,
$\mathrm{bpb} = L \cdot N_{\mathrm{tokens}} / (N_{\mathrm{bytes}} \ln 2)$, is the figure that can be compared with
other tokenizers; perplexity per token cannot.`,
  ],
  code: [
    "core/tokenizer/train/expectation.ts",
    "core/tokenizer/train/prune.ts",
    "core/tokenizer/lattice.ts",
    "core/data/baselines.ts",
  ],
  tests: ["tests/tokenizer/train_test.ts", "tests/tokenizer/lattice_test.ts", "tests/tokenizer/parity_test.ts"],
};
