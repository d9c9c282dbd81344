/** Every kernel, by the name that the executor calls it by: (arguments, block, workspace of the thread). */
export { attention_backward } from "./attention_backward";
export { attention_forward } from "./attention_forward";
export { causal_conv_backward, causal_conv_forward } from "./causal_conv";
export { embedding_backward, embedding_forward } from "./embedding";
export { fusion_backward, fusion_forward } from "./fusion";
export { logp_gradient, logp_reduce } from "./linear_logp";
export { nll_loss_backward, nll_loss_forward, orpo_loss_backward, orpo_loss_forward } from "./losses";
export { matmul, pack_columns } from "./matmul";
export { adamw, gradient_norm, gradient_squares } from "./optimizer";
export { rmsnorm_backward, rmsnorm_forward } from "./rmsnorm";
export { rotary } from "./rotary";
export { selective_scan_backward } from "./selective_scan_backward";
export { selective_scan_forward } from "./selective_scan_forward";
export { sum_partials } from "./sum_partials";
export { swiglu_backward, swiglu_forward } from "./swiglu";
export { text_rows_backward, text_rows_forward } from "./text_rows";
