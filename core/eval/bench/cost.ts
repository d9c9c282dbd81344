/** What a step costs by counting: the one place where measured times are turned into rates. */
import { ELEMENT_BYTES, type Step, type Tensor } from "../../tensor/mod.ts";

export interface Cost {
  /** Multiplications and additions that the mathematics needs; each op counts its own. */
  readonly flops: number;
  /** Every tensor read once and written once; where a step adds to what is there, that is read too. */
  readonly bytes: number;
}

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
  return { flops: step.flops, bytes: read + written };
}

/** Peaks of an adapter, per second. */
export interface Roofline {
  readonly flops: number;
  readonly bytes: number;
}

/** Seconds that no kernel can go below while its numbers come from memory. */
export const leastSeconds = (cost: Cost, peak: Roofline): number =>
  Math.max(cost.flops / peak.flops, cost.bytes / peak.bytes);
