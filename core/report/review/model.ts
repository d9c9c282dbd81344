/** Hymba's layer: branches, fusion, meta tokens, masks and shared keys and values. */
import { formula, type Section, text } from "./section.ts";

export const LAYER: Section = {
  title: "The layer: attention and Mamba side by side",
  blocks: [
    text`Hymba (Dong et al., 2024, arXiv 2411.13676) gives every layer both kinds of heads and lets them read the same input.
One projection without bias computes the inputs of both. Attention remembers single positions exactly; the state-space branch
remembers a summary of the past. With $u$ the normalised residual stream:`,
    formula`[\,q \mid k \mid v \mid x \mid z\,] = W_{\mathrm{in}}\,u, \qquad
a = \mathrm{attention}(q, k, v), \qquad m = \mathrm{scan}(\mathrm{conv}(x)) \odot \mathrm{SiLU}(z)`,
    text`Value heads are twice as wide as query heads. The output of attention is then as wide as that of the Mamba branch
($H \cdot K_v = I = 2D$), and the two can be averaged channel by channel.`,
    formula`y = W_{\mathrm{out}} \cdot \tfrac12\left( w_a \odot \frac{a}{\mathrm{rms}(a)} + w_m \odot \frac{m}{\mathrm{rms}(m)} \right),
\qquad \mathrm{rms}(x) = \sqrt{\tfrac1I \sum_i x_i^2 + \varepsilon}`,
    text`Each branch is normalised first, because the outputs of the scan are much larger. The vectors $w_a$ and $w_m$ are the
paper's $\beta$. Equation 3 of the paper has no factor $\tfrac12$; its code and its text have it. This program follows the
code.`,
  ],
  code: ["core/nn/block.ts", "core/ops/fusion.ts", "wgsl/fusion_forward.wgsl", "core/reference/fusion.ts"],
  tests: ["tests/ops/fusion_test.ts", "tests/config/fidelity_test.ts"],
};

export const FUSION_BACKWARD: Section = {
  title: "Fusion and RMS norm, backward",
  blocks: [
    text`With $r = 1/\mathrm{rms}(x)$ and $\hat x = x\,r$, the gradient $g_i = \tfrac12\, w_i\, \partial L/\partial y_i$ that
reaches a branch loses its component along $\hat x$, because a scaled $x$ gives the same output:`,
    formula`\frac{\partial L}{\partial x_i} = r \left( g_i - \hat x_i \cdot \tfrac1I \sum_j g_j \hat x_j \right), \qquad
\frac{\partial L}{\partial w_i} = \sum_{\mathrm{rows}} \tfrac12\, \frac{\partial L}{\partial y_i}\, \hat x_i`,
    text`Without the factor $\tfrac12$ this is the backward pass of every RMS norm of the model.`,
  ],
  code: [
    "wgsl/fusion_backward_dx.wgsl",
    "wgsl/fusion_backward_dw.wgsl",
    "core/ops/rmsnorm.ts",
    "core/reference/rmsnorm.ts",
  ],
  tests: ["tests/ops/fusion_test.ts", "tests/ops/rmsnorm_test.ts"],
};

export const META_AND_MASK: Section = {
  title: "Meta tokens, windows and what may be seen",
  blocks: [
    text`$M$ learned vectors are placed before the embedded text and pass through attention, convolution and scan of every layer
like text. They are removed before the head and have no loss. They have positions $0 \dots M-1$; the text starts at position
$M$. The first, the middle and the last layer are global; in the other layers a query sees a window of $W$ keys and the meta
tokens:`,
    formula`\mathrm{visible}(q, k) \iff k \le q \;\wedge\; \left( \mathrm{global} \,\vee\, q - k < W \,\vee\, k < M \right)`,
    text`In a local layer a query therefore sees exactly $\min(q+1,\, M+W)$ keys, including its own. The published sources
disagree by one: the training masks of the official code use $q-k \le W$, its decoding cache $q-k < W$. This program uses
$q-k<W$ in both, so that generation and training see the same keys.`,
  ],
  code: ["core/ops/attention.ts", "core/ops/embedding.ts", "wgsl/lib/sees.wgsl", "core/proof/visibility.ts"],
  tests: [
    "tests/ops/attention_test.ts",
    "tests/ops/embedding_test.ts",
    "tests/proof/visibility_test.ts",
    "tests/infer/session_test.ts",
  ],
};
