/** The cost of a step in operations and bytes. Rates are computed from measured times and these costs. */
import { ELEMENT_BYTES, type Step, type Tensor } from "../tensor/mod.ts";

export interface Cost {
  /** Multiplications and additions of the formula. Each op counts its own. */
  readonly flops: number;
  /** Each tensor read once and written once. A tensor that the step adds to is both read and written. */
  readonly bytes: number;
  /** One per state and pass of the scan. Zero for all other ops, whose exponentials are few compared with their flops. */
  readonly exponentials: number;
}

const bytesOf = ({ rows, columns }: Tensor): number => rows * columns * ELEMENT_BYTES;

/** Bytes of a tensor that its op reads. */
const readBytes = ({ op, attributes }: Step, { role, x }: { role: string; x: Tensor }): number =>
  Math.min(bytesOf(x), (op.elementsRead?.(role, attributes) ?? Infinity) * ELEMENT_BYTES);

export function costOf(step: Step): Cost {
  const read = Object.entries(step.reads).reduce((sum, [role, x]) => sum + readBytes(step, { role, x }), 0);
  const written = Object.entries(step.writes).reduce(
    (sum, [role, x]) => sum + bytesOf(x) * (step.accumulate.includes(role) ? 2 : 1),
    0,
  );
  const exponentials = step.op.exponentials?.(step.attributes) ?? 0;
  return { flops: step.flops, bytes: read + written, exponentials };
}

/** The peak rates of an adapter, per second. */
export interface Roofline {
  readonly flops: number;
  readonly bytes: number;
  /** Infinite if it was not measured. */
  readonly exponentials: number;
}

/** The resources that can limit a kernel. */
const ROOFS = ["flops", "bytes", "exponentials"] as const satisfies readonly (keyof Roofline)[];
export type Roof = (typeof ROOFS)[number];

/** The least seconds by each roof. */
export const secondsOf = (cost: Cost, peak: Roofline): Record<Roof, number> => ({
  flops: cost.flops / peak.flops,
  bytes: cost.bytes / peak.bytes,
  exponentials: cost.exponentials / peak.exponentials,
});

/** The least seconds of a kernel whose data come from memory. */
export const leastSeconds = (cost: Cost, peak: Roofline): number => Math.max(...Object.values(secondsOf(cost, peak)));

/** The roof with the most seconds. It limits the kernel. */
export function bindingRoof(cost: Cost, peak: Roofline): Roof {
  const seconds = secondsOf(cost, peak);
  return ROOFS.reduce((most, roof) => seconds[roof] > seconds[most] ? roof : most);
}
