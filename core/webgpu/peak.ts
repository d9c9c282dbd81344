/** Kernels that measure the peak rates of an adapter: multiply-adds, exponentials, copies, and empty dispatches. */
import copyCode from "../../wgsl/copy_peak.wgsl" with { type: "text" };
import exponentialCode from "../../wgsl/exponential_peak.wgsl" with { type: "text" };
import multiplyAddCode from "../../wgsl/multiply_add_peak.wgsl" with { type: "text" };
import type { Plan } from "../plan/mod.ts";
import { defineOp, stepOf, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";
import { type Kernel, kernel, type Launch, type PlannedLaunch, specialised } from "./launch.ts";

const MULTIPLY_ADD = kernel("multiply_add_peak", multiplyAddCode), COPY = kernel("copy_peak", copyCode);
const EXPONENTIAL = kernel("exponential_peak", exponentialCode);

/** A plan of equal launches, and the work of one run. */
export interface Probe {
  readonly plan: Plan;
  readonly launches: readonly PlannedLaunch[];
  /** The input, which is written before the first run. */
  readonly input: { readonly x: Tensor; readonly data: Float32Array<ArrayBuffer> };
  readonly flops: number;
  readonly bytes: number;
  readonly exponentials: number;
}

/** Numbers of independent vectors, which hide each other's latency until registers run out, and of rounds without a jump. */
export const MULTIPLY_ADD_VARIANTS: readonly { readonly vectors: number; readonly unroll: number }[] = [1, 2, 4, 8]
  .flatMap((vectors) => [1, 8].map((unroll) => ({ vectors, unroll })));
/** The same for exponentials. Each exponential is a chain of about ten operations. */
export const EXPONENTIAL_VARIANTS: readonly { readonly vectors: number; readonly unroll: number }[] = [1, 2, 4].map((
  vectors,
) => ({ vectors, unroll: 4 }));
/** Vectors of four that an invocation copies. */
export const COPY_VARIANTS: readonly number[] = [2, 4, 16];

/** Rounds, workgroups and their invocations: 0.13·10⁹ flops for each vector on software adapters, 64 times as many on GPUs. */
const ROUNDS = 1024, SOFTWARE_GROUPS = 256, GPU_GROUPS = 16384, LANES = 64;
/** Elements that are copied: 64 MiB are read and 64 MiB written, too many for caches. */
const COPIED = 2 ** 24, QUAD = 4, BYTES = 4;

const array = (name: string, n: number) => tensorOver(new Storage(name, n, "f32"), [n]);

/** A launch that reads one tensor and writes one. */
type OneToOne = Launch & { readonly reads: readonly [Tensor]; readonly writes: readonly [Tensor] };

/** A plan of `count` equal launches, each a step of `flops`. The executor begins a new submit after 10¹² flops. */
function probe(
  launch: OneToOne,
  { count = 1, flops = 0, bytes = 0, exponentials = 0, data }: {
    count?: number;
    flops?: number;
    bytes?: number;
    exponentials?: number;
    data: Probe["input"]["data"];
  },
): Probe {
  const { reads: [x], writes: [y], kernel: { name } } = launch;
  const op = defineOp({
    name,
    phase: "any",
    attributes: [],
    reads: { x: "*" },
    writes: { y: "*" },
    flops: () => flops,
  });
  const step = stepOf(op, { attributes: {}, reads: { x }, writes: { y } });
  const plan: Plan = {
    name,
    forwardSteps: count,
    steps: Array.from({ length: count }, () => step),
    inputs: [x],
    constants: [],
    outputs: [],
    metrics: [tensorOver(y.storage, [1])],
  };
  const launches = plan.steps.map((_, step) => ({ ...launch, step }));
  return { plan, launches, input: { x, data }, flops: count * flops, bytes: count * bytes, exponentials };
}

function chainsLaunch(
  kernel: Kernel,
  { groups, vectors, unroll, rounds }: { groups: number; vectors: number; unroll: number; rounds: number },
): OneToOne {
  return {
    kernel: specialised(kernel, { VECTORS: vectors, UNROLL: unroll }),
    constants: { ROUNDS: rounds },
    reads: [array("factors", 2)],
    writes: [array("sums", groups * LANES)],
    grid: [groups, 1, 1],
  };
}

const FACTORS = Float32Array.of(1, 1e-7), REFLECTED = Float32Array.of(-1, 0);

export function multiplyAddProbe(
  { vectors, unroll }: { vectors: number; unroll: number },
  { software }: { software: boolean },
): Probe {
  const groups = software ? SOFTWARE_GROUPS : GPU_GROUPS, rounds = ROUNDS / unroll;
  const flops = 8 * vectors * ROUNDS * groups * LANES;
  return probe(chainsLaunch(MULTIPLY_ADD, { groups, vectors, unroll, rounds }), { flops, data: FACTORS });
}

/** 2^−a of numbers between 0 and 1, with an eighth of the rounds of the multiply-adds. */
export function exponentialProbe(
  { vectors, unroll }: { vectors: number; unroll: number },
  { software }: { software: boolean },
): Probe {
  const groups = software ? SOFTWARE_GROUPS : GPU_GROUPS, rounds = ROUNDS / 8 / unroll;
  const exponentials = 4 * vectors * unroll * rounds * groups * LANES;
  return probe(chainsLaunch(EXPONENTIAL, { groups, vectors, unroll, rounds }), { exponentials, data: REFLECTED });
}

export function copyProbe(quads: number): Probe {
  const launch: OneToOne = {
    kernel: specialised(COPY, { QUADS: quads }),
    constants: {},
    reads: [array("copied", COPIED)],
    writes: [array("copy", COPIED)],
    grid: [COPIED / (QUAD * LANES * quads), 1, 1],
  };
  return probe(launch, { bytes: 2 * BYTES * COPIED, data: new Float32Array(COPIED).fill(1) });
}

/** `count` dispatches with almost no work, in one submit or in one submit each. */
export function idleProbe(count: number, { submits }: { submits: boolean }): Probe {
  const launch = chainsLaunch(MULTIPLY_ADD, { groups: 1, vectors: 1, unroll: 1, rounds: 1 });
  return probe(launch, { count, flops: submits ? 2e12 : 0, data: FACTORS });
}
