/** The causality leak of the documented study, counted. */
import { formula, type Section, text } from "./section.ts";

export const LEAK: Section = {
  title: "Why perplexity 6 was too good",
  blocks: [
    text`The documented study reports perplexities of 5 to 7 for its hybrids and 12 to 15 for windowed attention, where honest
models of the same size reach about 70. Its local layers cropped keys and values to the last $W$ text positions, in
training too, and then compared the indices of the cropped keys with the positions of the queries. With $T = 256$ and
$W = 128$, counting the pairs that this mask lets through:`,
    {
      list: [
        "no query of 256 sees any text key at or before its own position;",
        "255 of 256 see a key of the future;",
        "128 of 256 see the very next token, which is what they are asked to predict.",
      ],
    },
    text`A loss near 0 on half of the positions and an honest one on the rest averages to what was reported. Bits per byte tell the
same: with 3.437 characters a token, perplexity 6.07 would be`,
    formula`\frac{\ln 6.07}{3.437 \cdot \ln 2} = 0.757 \text{ bits per character}`,
    text`on one megabyte of Shakespeare, while careful models of that kind end near 2. The authors' repository later removed the
crop; its hybrids then scored 94 to 96, behind the pure Mamba model. So the question that this study asks is open, and a
hybrid that does not win at this size is no fault of the program.`,
    text`A run refuses a model that sees its future: tokens are changed one by one, and no logit before the change may change a
bit; gradients of the logits at a position must be exactly zero behind it. The crop cannot be written into a configuration.
One experiment trains a small hybrid with and without it; its curves and perplexities are in results/causality-leak.`,
  ],
  code: [
    "core/proof/leaky_mask.ts",
    "core/proof/visibility.ts",
    "core/proof/causality.ts",
    "core/proof/causality_gradient.ts",
    "core/proof/require_causal.ts",
    "core/proof/leak_experiment.ts",
  ],
  tests: ["tests/proof/visibility_test.ts", "tests/proof/causality_test.ts", "tests/proof/leak_test.ts"],
};
