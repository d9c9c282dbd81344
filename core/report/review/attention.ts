/** Attention in flash form, and its gradient when layers share keys and values. */
import { formula, type Section, text } from "./section.ts";

export const FLASH: Section = {
  title: "Attention without storing scores",
  blocks: [
    text`For each query a running maximum $m$, a running sum $l$ and a running output are enough (Dao, 2023). A tile of keys with
scores $s = q k^\top / \sqrt{K}$ changes them by`,
    formula`m' = \max(m, \max_j s_j), \qquad l' = e^{m - m'} l + \sum_j e^{s_j - m'}, \qquad
o' = e^{m - m'} o + \sum_j e^{s_j - m'} v_j`,
    text`At the end $o/l$ is the result. Only $\ell = m + \ln l$, the logarithm of the sum of exponentials, is saved. Every
probability can be recomputed from it, $p_{ij} = e^{s_{ij} - \ell_i}$. The backward pass and the attention maps of this study
do so. Tiles that the mask hides entirely are skipped.`,
  ],
  code: ["core/ops/attention.ts", "wgsl/attention_forward.wgsl", "core/ops/attention_map.ts", "core/eval/attention.ts"],
  tests: ["tests/ops/attention_test.ts"],
};

export const SHARED_BACKWARD: Section = {
  title: "Attention, backward, with shared keys and values",
  blocks: [
    text`With $\delta_i = \sum_c \bar o_{ic}\, o_{ic}$ ($\bar o$ the gradient of the output) the gradient of a score needs no second pass over its row:`,
    formula`\bar p_{ij} = \bar o_i \cdot v_j, \qquad \bar s_{ij} = p_{ij} \left( \bar p_{ij} - \delta_i \right)`,
    formula`\bar q_i = \tfrac{1}{\sqrt K} \sum_j \bar s_{ij}\, k_j, \qquad
\bar k_j = \tfrac{1}{\sqrt K} \sum_i \bar s_{ij}\, q_i, \qquad \bar v_j = \sum_i p_{ij}\, \bar o_i`,
    text`$\bar q$ is a sum over keys, $\bar k$ and $\bar v$ are sums over queries. There are therefore two kernels: one goes along
the rows of the mask, one along its columns. Neither needs atomics. Key head $h'$ serves $H/G$ query heads, and its gradient is the sum over them.
When layers share keys and values, it is also the sum over the layers $\Lambda$ of the group:`,
    formula`\bar k_j = \sum_{\lambda \in \Lambda}\; \sum_{h \,\mapsto\, h'} \bar k_j^{(\lambda, h)}, \qquad
\bar v_j = \sum_{\lambda \in \Lambda}\; \sum_{h \,\mapsto\, h'} \bar v_j^{(\lambda, h)}`,
    text`The layers share the keys after the rotary positions. In the backward pass the consumers run first and add to one
buffer. Then the producer adds its own part, rotates the sum by $-\theta$ and multiplies it by its projection. The input of a
consumer gets no gradient from keys and values, because its layer has no weights for them.`,
  ],
  code: [
    "wgsl/attention_backward_dq.wgsl",
    "wgsl/attention_backward_dkv.wgsl",
    "core/reference/attention.ts",
    "core/reference/rotary.ts",
    "core/config/layers.ts",
  ],
  tests: ["tests/ops/attention_test.ts"],
};
