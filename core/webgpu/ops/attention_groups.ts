/** The groups of lanes that share the values of a query, for the kernels with `wgsl/lib/attention_groups.wgsl`. */

const LANES = 64;

/** The constants of these kernels for an output of `columns` Vecs. */
export function groupsOf(columns: number): { GROUPS: number; V_EACH: number } {
  const GROUPS = [16, 8, 4, 2].find((groups) => columns * groups <= LANES) ?? 1;
  return { GROUPS, V_EACH: Math.ceil(columns * GROUPS / LANES) };
}
