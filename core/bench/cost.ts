/** What a step costs by counting: the one place where measured times are turned into rates. */
import { ELEMENT_BYTES, type Step, type Tensor } from "../tensor/mod.ts";

export interface Cost {
  /** Multiplications and additions that the mathematics needs; each op counts its own. */
  readonly flops: number;
  /** Every tensor read once and written once; where a step adds to what is there, that is read too. */
  readonly bytes: number;
  /** Those that dominate an op: one a state and pass of the scan. Zero for all others, whose exponentials are few beside their flops. */
  readonly exponentials: number;
}

/** Ops that take an exponential for every 8 to 24 flops. */
const DECAYING: readonly string[] = ["selective_scan_forward", "selective_scan_backward"];

const bytesOf = ({ rows, columns }: Tensor): number => rows * columns * ELEMENT_BYTES;

/** Of an embedding table only the rows that tokens name are read. */
function readBytes({ op, attributes: { B, T, D } }: Step, { role, x }: { role: string; x: Tensor }): number {
  return op === "embedding_forward" && role === "table"
    ? Math.min(bytesOf(x), B! * T! * D! * ELEMENT_BYTES)
    : bytesOf(x);
}

export function costOf(step: Step): Cost {
  const read = Object.entries(step.reads).reduce((sum, [role, x]) => sum + readBytes(step, { role, x }), 0);
  const written = Object.entries(step.writes).reduce(
    (sum, [role, x]) => sum + bytesOf(x) * (step.accumulate.includes(role) ? 2 : 1),
    0,
  );
  const { B, T, I, N } = step.attributes, exponentials = DECAYING.includes(step.op) ? B! * T! * I! * N! : 0;
  return { flops: step.flops, bytes: read + written, exponentials };
}

/** Peaks of an adapter, per second. */
export interface Roofline {
  readonly flops: number;
  readonly bytes: number;
  /** Infinite where it was not measured. */
  readonly exponentials: number;
}

/** What may keep a kernel from being faster. */
export const ROOFS = ["flops", "bytes", "exponentials"] as const satisfies readonly (keyof Roofline)[];
export type Roof = (typeof ROOFS)[number];

/** Seconds that each roof asks for. */
export const secondsOf = (cost: Cost, peak: Roofline): Record<Roof, number> => ({
  flops: cost.flops / peak.flops,
  bytes: cost.bytes / peak.bytes,
  exponentials: cost.exponentials / peak.exponentials,
});

/** Seconds that no kernel can go below while its numbers come from memory. */
export const leastSeconds = (cost: Cost, peak: Roofline): number => Math.max(...Object.values(secondsOf(cost, peak)));

/** The roof that binds. */
export function bindingRoof(cost: Cost, peak: Roofline): Roof {
  const seconds = secondsOf(cost, peak);
  return ROOFS.reduce((most, roof) => seconds[roof] > seconds[most] ? roof : most);
}
