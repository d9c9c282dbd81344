/** The results of tests/precision/times.ts, and their table. */
import type { Precision } from "../../core/config/mod.ts";

/** Milliseconds of a training step, the least of all rounds. */
export interface StepTime {
  readonly arm: string;
  readonly ms: Readonly<Record<string, number>>;
}

/** One product by subgroups in f32, by workgroup tiles in f32, and by the same tiles of operands in f16. */
export interface ProductTime {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly gflop_per_s: Readonly<Record<"subgroup" | "tile" | "f16", number>>;
}

export interface TimesReport {
  readonly adapter: { readonly name: string };
  readonly rounds: number;
  readonly steps: readonly StepTime[];
  readonly products: readonly ProductTime[];
}

const lines = (rows: readonly (readonly string[])[]): string =>
  [rows[0]!, rows[0]!.map(() => "---"), ...rows.slice(1)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Steps of every adapter, one line per model, and below them its products. */
export function timesTable(reports: readonly TimesReport[]): string {
  const ratio = ({ ms }: StepTime, precision: Precision) => (ms[precision]! / ms.f32!).toFixed(2);
  const steps = reports.flatMap(({ adapter, steps }) =>
    steps.map((step) => [
      adapter.name,
      `\`${step.arm}\``,
      step.ms.f32!.toFixed(1),
      ratio(step, "bf16"),
      ratio(step, "f16"),
    ])
  );
  const products = reports.flatMap(({ adapter, products }) =>
    products.map(({ M, N, K, gflop_per_s: { subgroup, tile, f16 } }) => [
      adapter.name,
      `${M}×${N}×${K}`,
      ...[subgroup, tile, f16].map((rate) => rate.toFixed(1)),
      (f16 / tile).toFixed(2),
      (f16 / subgroup).toFixed(2),
    ])
  );
  const head = ["adapter", "product", "subgroups, f32", "tiles, f32", "tiles, operands in f16"];
  return `${lines([["adapter", "model", "f32, ms a step", "bf16 / f32", "f16 / f32"], ...steps])}\n\n` +
    `${lines([[...head, "to tiles in f32", "to subgroups"], ...products])}\n\n` +
    `Least of ${reports.map(({ rounds }) => rounds).join(" and ")} rounds in turns; rates in GFLOP/s.`;
}
