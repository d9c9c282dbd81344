/**
 * Has Mesa write the SPIR-V of a kernel of subgroup matrices: `deno run -A tests/bench/isa/matrix_spirv.ts KERNEL.json`, started by
 * spirv.ts on a Mesa that has such matrices. That is the software adapter's own size, 8 × 8 × 8, so Dawn gets the kernel with matrices
 * of this size, and with subgroups of any; `withSizes` then writes the right sizes into the module. Everything else in it depends on
 * the kernel's constants, which stay.
 */
import { openDevice } from "../../../core/device/mod.ts";

/** A kernel and the values of its `override` constants. */
export interface MatrixKernel {
  readonly code: string;
  readonly constants: Readonly<Record<string, number>>;
}

const TYPES = /^(alias \w+ = subgroup_matrix_\w+<\w+), MATRIX_\w, MATRIX_\w>;$/gm,
  SIZE_OF_SUBGROUP = / @subgroup_size\(LANES\)/;

/** The kernel's text with matrices of 8 × 8. Throws when it has not the three types and the subgroup size that are expected. */
export function atEight(code: string): string {
  if ([...code.matchAll(TYPES)].length !== 3 || !SIZE_OF_SUBGROUP.test(code)) {
    throw new Error("expected three types of matrices and one size of subgroups");
  }
  return code.replaceAll(TYPES, "$1, 8, 8>;").replace(SIZE_OF_SUBGROUP, "");
}

/** Opcodes of SPIR-V, the index of the word with the number of ids, and words before the first instruction. */
const CONSTANT = 43, TYPE_MATRIX = 4456, IDS = 3, HEADER = 5;

/** The module with matrices of these sizes instead of 8 × 8. The constants of the new sizes stand in front of each type. */
export function withSizes(
  module: Uint8Array<ArrayBuffer>,
  { M, N, K }: { M: number; N: number; K: number },
): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(module.slice().buffer), made = [...words.subarray(0, HEADER)];
  const constants = new Map<number, { type: number; value: number }>();
  for (let at = HEADER; at < words.length;) {
    const [head = 0] = words.subarray(at), length = head >>> 16, instruction = [...words.subarray(at, at + length)];
    const [, first = 0, second = 0, third = 0, , , use = 0] = instruction;
    if ((head & 0xffff) === CONSTANT) constants.set(second, { type: first, value: third });
    if ((head & 0xffff) === TYPE_MATRIX) {
      const { type, value } = constants.get(use) ?? { type: 0, value: -1 }, sizes = [[M, K], [K, N], [M, N]][value];
      if (!sizes) throw new Error(`a matrix for the use ${value}, expected 0 to 2`);
      for (const [i, size] of sizes.entries()) {
        const id = made[IDS] ?? 0;
        made[IDS] = id + 1;
        made.push(4 << 16 | CONSTANT, type, id, size);
        instruction[4 + i] = id;
      }
    }
    made.push(...instruction);
    at += length;
  }
  return new Uint8Array(Uint32Array.from(made).buffer);
}

if (import.meta.main) {
  const [path = ""] = Deno.args, { code, constants } = JSON.parse(await Deno.readTextFile(path)) as MatrixKernel;
  const { device } = await openDevice({ tensorCores: true });
  const compute = { module: device.createShaderModule({ code: atEight(code) }), entryPoint: "main", constants };
  await device.createComputePipelineAsync({ layout: "auto", compute });
  Deno.exit(0);
}
