/** The peak rates of the adapter. Later parts read them. */
import { nullOr, number, object, optional, readAs } from "../../file_schema.ts";
import { measuredPeaks, type PeaksReport, wholePeaks } from "../peaks.ts";
import { type Found, type Part, type PartContext, withBackend } from "./part.ts";

const rate = nullOr(number({ min: 0 }));

/** A part that was stopped has kept some of them. */
const peaks = object({
  multiply_add_gflop_per_s: optional(rate),
  multiply_add_variant: optional(nullOr(object({ vectors: number(), unroll: number() }))),
  exponential_g_per_s: optional(rate),
  copy_gb_per_s: optional(number({ min: 0 })),
  dispatch_us: optional(nullOr(number())),
  submit_us: optional(nullOr(number())),
  matmul_gflop_per_s: optional(number({ min: 0 })),
  matmul_share: optional(rate),
});

/** The peaks that the part before has measured. Undefined where it was stopped before it had those that every adapter has. */
export async function earlierPeaks(
  { earlier }: Pick<PartContext, "earlier">,
): Promise<PeaksReport | undefined> {
  const kept = await earlier("peaks");
  if (kept === undefined) return undefined;
  return wholePeaks(readAs(peaks, kept, "the result of the part peaks"));
}

function foundOf(found: Partial<PeaksReport>): Found {
  const share = found.matmul_share ? `, ${(100 * found.matmul_share).toFixed(0)} % of the peak` : "";
  const rows = ([
    ["multiply-adds in registers", found.multiply_add_gflop_per_s, "GFLOP/s"],
    ["exponentials in registers", found.exponential_g_per_s, "10⁹/s"],
    ["copy, bytes read and written", found.copy_gb_per_s, "GB/s"],
    ["matmul 1024×512×1024", found.matmul_gflop_per_s, `GFLOP/s${share}`],
    ["additional dispatch", found.dispatch_us, "µs"],
    ["additional submit", found.submit_us, "µs"],
  ] as const).map(([name, value, unit]) => [name, typeof value === "number" ? `${value.toFixed(1)} ${unit}` : "—"]);
  return { result: found, tables: [{ title: "Peaks", columns: ["measured", "best"], rows }] };
}

export const peaksPart: Part = (context) =>
  withBackend(context, undefined, async ({ executor }) => {
    let found: Partial<PeaksReport> = {};
    for await (const more of measuredPeaks(executor, { runs: context.runs, once: context.once })) {
      found = { ...found, ...more };
      await context.keep(foundOf(found));
    }
    return 0;
  });
