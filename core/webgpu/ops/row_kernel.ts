import maxOverLanes from "../../../wgsl/lib/max_over_lanes.wgsl" with { type: "text" };
import overLanesSubgroup from "../../../wgsl/lib/over_lanes_subgroup.wgsl" with { type: "text" };
import sumOverLanes from "../../../wgsl/lib/sum_over_lanes.wgsl" with { type: "text" };
import { type Kernel, kernel, type LowerContext } from "../launch.ts";

/**
 * A kernel whose workgroups of `rowLanes` invocations sum over their lanes: with shuffles if a workgroup is one subgroup, else through
 * workgroup memory.
 */
export function rowKernel(name: string, ...pieces: readonly string[]): (context: LowerContext) => Kernel {
  const workgroup = kernel(name, sumOverLanes, maxOverLanes, ...pieces);
  const subgroup = kernel(`${name} by shuffles`, overLanesSubgroup, ...pieces);
  return ({ rowLanes, subgroupSize }) => rowLanes === subgroupSize ? subgroup : workgroup;
}
