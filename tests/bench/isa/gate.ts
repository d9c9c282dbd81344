/** What a kernel must not lose, by the figures of results/bench/isa.json. */
import type { KernelReport, Survey, Surveyed } from "./survey.ts";

/** Hot loops may have this many more instructions for each multiply-add than the committed ones. */
const LOSS = 1.1;
/** A loop with fewer multiply-adds does not determine the speed of a product, attention or a scan. */
const HOT = 16;
/** Waves that a vector unit of this chip needs to hide the latency of memory. */
const WAVES = 8, CHIP = "navi31";

/** Kernels that have fewer waves, and why. */
export const FEW_WAVES: readonly { readonly kernel: RegExp; readonly reason: string }[] = [
  {
    kernel: /^selective_scan_forward/,
    reason: "13 KiB of workgroup memory for one wave; the staged block hides latency, and exponentials bind",
  },
  {
    kernel: /^matmul_subgroup_matrix.*DOWN=2 ACROSS=4 HIGH=4 WIDE=2.*TRANS_B=0/,
    reason:
      "eight matrices of sums and both operands, of which one is transposed on its way into workgroup memory, are in registers; " +
      "matrix instructions are meant to bind, which no GPU has confirmed",
  },
];

const perMultiplyAdd = ({ hot_loop }: KernelReport): number | undefined =>
  hot_loop && hot_loop.multiply_adds >= HOT ? hot_loop.instructions / hot_loop.multiply_adds : undefined;

function faultsOf(
  kernel: string,
  chip: string,
  { now, before }: { now: KernelReport; before: KernelReport },
): string[] {
  const faults: string[] = [], name = `${kernel} on ${chip}`;
  if (now.spilled > 0) faults.push(`${name}: ${now.spilled} registers are spilled`);
  if (now.scratch_bytes > 0) faults.push(`${name}: ${now.scratch_bytes} bytes of scratch a wave`);
  const [got, expected] = [perMultiplyAdd(now), perMultiplyAdd(before)];
  if (expected !== undefined && !(got !== undefined && got <= LOSS * expected)) {
    faults.push(`${name}: ${got} instructions for a multiply-add in the hot loop, expected ${expected}`);
  }
  if (chip === CHIP && now.waves < WAVES && !FEW_WAVES.some(({ kernel: few }) => few.test(kernel))) {
    faults.push(`${name}: ${now.waves} waves, expected ${WAVES} or a reason`);
  }
  return faults;
}

/** What is wrong with the kernels of a survey, beside the committed one. */
export function faults(now: Survey, committed: Survey): string[] {
  const known = new Map<string, Surveyed>(committed.kernels.map((one) => [one.kernel, one]));
  return now.kernels.flatMap(({ kernel, chips }) => {
    const before = known.get(kernel);
    if (!before) return [`${kernel}: no figures; run deno run -A tests/bench/isa/run.ts`];
    return Object.entries(chips).flatMap(([chip, report]) => {
      const earlier = before.chips[chip];
      return earlier
        ? faultsOf(kernel, chip, { now: report, before: earlier })
        : [`${kernel}: no figures for ${chip}; run deno run -A tests/bench/isa/run.ts`];
    });
  });
}
