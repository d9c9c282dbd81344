/** Every kernel, by the name that the executor calls it by: (arguments, block, workspace of the thread). */
export { matmul, pack_columns } from "./matmul";
export { rmsnorm_backward, rmsnorm_forward } from "./rmsnorm";
export { sum_partials } from "./sum_partials";
