/** The selective state-space branch: from the differential equation to the scan and its gradient. */
import { formula, type Section, text } from "./section.ts";

export const DISCRETISATION: Section = {
  title: "Mamba: from a differential equation to a recurrence",
  blocks: [
    text`Each channel carries $N$ states that follow $\dot h(t) = A\,h(t) + B\,x(t)$ with a diagonal, negative $A$. Over a step
of length $\Delta$ with constant input the exact solution is`,
    formula`h(t+\Delta) = e^{\Delta A} h(t) + \left( \int_0^{\Delta} e^{sA}\,ds \right) B\,x
= e^{\Delta A} h(t) + A^{-1}\left(e^{\Delta A} - 1\right) B\,x`,
    text`Mamba (Gu and Dao, 2023) uses the exact factor for the old state. For the input it uses the first term of the series
$A^{-1}(e^{\Delta A}-1) = \Delta + \tfrac12 \Delta^2 A + \dots \approx \Delta$. This is a zero-order hold for $A$ and Euler's
rule for $B$. The scan is selective because $\Delta$, $B$ and $C$ are computed from the input at each position:`,
    formula`\Delta_t = \mathrm{softplus}(W_\Delta\, d_t + b_\Delta), \qquad A = -e^{A_{\log}}, \qquad
h_t = e^{\Delta_t A} \odot h_{t-1} + \Delta_t\, u_t\, B_t`,
    formula`y_t = \sum_n C_{t,n}\, h_{t,n} + D\,u_t, \qquad o_t = y_t \cdot \mathrm{SiLU}(z_t)`,
    text`Hymba, like Jamba, normalises $d_t$, $B_t$ and $C_t$ with an RMS norm each; plain Mamba does not. The initial values are
$A_{\log} = \log(1 \dots N)$ and, for $b_\Delta$, the inverse softplus of steps that are drawn log-uniformly from 0.001 to 0.1.
The released Hymba code sets this bias to zero, so that every channel starts at $\Delta \approx 0.69$. This program does not.`,
  ],
  code: [
    "core/nn/mamba.ts",
    "core/ops/selective_scan.ts",
    "wgsl/selective_scan_forward.wgsl",
    "core/params/start_values.ts",
  ],
  tests: ["tests/ops/selective_scan_test.ts", "tests/ops/causal_conv_test.ts"],
};

export const PARALLEL_SCAN: Section = {
  title: "Why a recurrence can run in parallel",
  blocks: [
    text`A step is an affine map $h \mapsto a h + b$. Two steps in a row are again an affine map, so pairs compose:`,
    formula`(a_1, b_1) \circ (a_2, b_2) = (a_2 a_1,\; a_2 b_1 + b_2), \qquad \mathrm{identity} = (1, 0)`,
    text`The composition is associative (but not commutative). A parallel prefix scan needs no more. It also allows a sequence to
be cut into chunks that are joined by their end states. The kernels save one state per chunk, and the backward pass recomputes
the states inside a chunk. For 16 sequences of 320 positions, 1024 channels and 16 states, all states of one layer take
335.5 MB; one state per 32 positions takes 10.5 MB.`,
  ],
  code: ["wgsl/selective_scan_forward.wgsl", "wgsl/selective_scan_backward.wgsl"],
  tests: ["tests/ops/selective_scan_test.ts"],
};

export const SCAN_BACKWARD: Section = {
  title: "The scan, backward",
  blocks: [
    text`Write $a_t = e^{\Delta_t A}$, $s = \sigma(z_t)$ and $G_t = \partial L/\partial o_t$. The gate gives`,
    formula`\frac{\partial L}{\partial z_t} = G_t\, y_t\, s\,(1 + z_t (1 - s)), \qquad
\bar y_t := \frac{\partial L}{\partial y_t} = G_t\, z_t\, s`,
    text`The gradient of a state is itself a recurrence, from the last position to the first:`,
    formula`g_t = \bar y_t\, C_t + a_{t+1} \odot g_{t+1}, \qquad g_{T+1} = 0`,
    text`All other gradients follow from it at each position:`,
    formula`\frac{\partial L}{\partial C_t} = \sum_i \bar y_t\, h_t, \qquad
\frac{\partial L}{\partial B_t} = \sum_i g_t\, \Delta_t\, u_t, \qquad
\frac{\partial L}{\partial u_t} = D\,\bar y_t + \Delta_t \sum_n g_{t,n} B_{t,n}`,
    formula`\frac{\partial L}{\partial \Delta_t} = u_t \sum_n g_{t,n} B_{t,n} + \sum_n g_{t,n} A_n\, a_{t,n} h_{t-1,n}, \qquad
\frac{\partial L}{\partial A_{\log,n}} = A_n \sum_{b,t} g_{t,n}\, \Delta_t\, a_{t,n}\, h_{t-1,n}`,
    text`The sums over $i$ run over the channels that share $B_t$ and $C_t$. The product $a_t \odot h_{t-1}$ need not be saved,
because it is $h_t - \Delta_t u_t B_t$. The derivative of softplus is $\sigma$. WebGPU has no atomic addition of floats.
Therefore sums over channels have two stages in a fixed order, which also makes results bit-for-bit reproducible.`,
  ],
  code: ["wgsl/selective_scan_backward.wgsl", "core/reference/selective_scan.ts"],
  tests: ["tests/ops/selective_scan_test.ts"],
};
