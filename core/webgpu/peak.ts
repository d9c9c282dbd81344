/** How many multiply-adds an adapter does at most. */
import code from "../../wgsl/multiply_add_peak.wgsl" with { type: "text" };
import { Storage, tensorOver } from "../tensor/mod.ts";
import { kernel, type Launch, specialised } from "./launch.ts";

const KERNEL = kernel("multiply_add_peak", code);

/** Lengths of the chains that are tried: more of them hide latency, until registers run out. */
export const PEAK_VECTORS = [1, 2, 4] as const;
/** Invocations and rounds: 0.13·10⁹ flops a vector on software adapters, 64 times as many on processors made for it. */
const ROUNDS = 1024, SOFTWARE_GROUPS = 256, GPU_GROUPS = 16384, LANES = 64;

/** A launch of `vectors` chains of four, with the two factors that it reads and the flops that it does. */
export function peakLaunch(vectors: number, { software }: { software: boolean }) {
  const groups = software ? SOFTWARE_GROUPS : GPU_GROUPS;
  const factors = tensorOver(new Storage("factors", 2, "f32"), [2]);
  const sums = tensorOver(new Storage("sums", groups * LANES, "f32"), [groups * LANES]);
  const launch: Launch = {
    kernel: specialised(KERNEL, { VECTORS: vectors }),
    constants: { ROUNDS },
    reads: [factors],
    writes: [sums],
    grid: [groups, 1, 1],
  };
  return { launch, factors, sums, flops: 8 * vectors * ROUNDS * groups * LANES };
}
