/** The causality leak of the documented study, in numbers. */
import { formula, type Section, text } from "./section.ts";

export const LEAK: Section = {
  title: "Why perplexity 6 was too good",
  blocks: [
    text`The documented study reports perplexities of 5 to 7 for its hybrids and 12 to 15 for windowed attention. Causal models of
the same size reach about 70. The study's local layers cropped keys and values to the last $W$ text positions, also in
training. Then they compared the indices of the cropped keys with the positions of the queries. With $T = 256$ and $W = 128$
this mask has the following effect:`,
    {
      list: [
        "none of the 256 queries sees a text key at or before its own position;",
        "255 of 256 see a later key;",
        "128 of 256 see the next token, which is the token they have to predict.",
      ],
    },
    text`A loss near 0 at half of the positions and a normal one at the rest have about the reported mean. Bits per byte show the
same: with 3.437 characters per token, perplexity 6.07 would be`,
    formula`\frac{\ln 6.07}{3.437 \cdot \ln 2} = 0.757 \text{ bits per character}`,
    text`on one megabyte of Shakespeare. Careful models of that kind reach about 2. The authors later removed the crop from their
repository; the hybrids then had perplexities of 94 to 96, behind the pure Mamba model. The question of this study is therefore
open. A hybrid that does not win at this size is not an error of the program.`,
    text`A run refuses a model that sees its future. It changes tokens one by one, and no earlier logit may change by a single
bit. It also checks that the gradient of every logit is exactly zero at later positions. No configuration can express the crop.
One experiment trains a small hybrid with and without it. Its curves and perplexities are in results/causality-leak.`,
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
