/** The peak rates of the adapter. Later parts read them. */
import { nullOr, number, object, readAs } from "../../file_schema.ts";
import { benchPeaks, type PeaksReport } from "../peaks.ts";
import { type Part, type PartContext, withBackend } from "./part.ts";

const rate = nullOr(number({ min: 0 }));

const peaks = object({
  multiply_add_gflop_per_s: rate,
  multiply_add_variant: nullOr(object({ vectors: number(), unroll: number() })),
  exponential_g_per_s: rate,
  copy_gb_per_s: number({ min: 0 }),
  dispatch_us: nullOr(number()),
  submit_us: nullOr(number()),
  matmul_gflop_per_s: number({ min: 0 }),
  matmul_share: rate,
});

/** The peaks that the part before has measured; undefined where it found none. */
export async function earlierPeaks({ earlier }: PartContext): Promise<PeaksReport | undefined> {
  const found = await earlier("peaks");
  return found === undefined ? undefined : readAs(peaks, found, "the result of the part peaks");
}

const shown = (value: number | null, unit: string) => value === null ? "—" : `${value.toFixed(1)} ${unit}`;

export const peaksPart: Part = (context) =>
  withBackend(context, undefined, async ({ executor }) => {
    const found = await benchPeaks(executor, { runs: context.runs });
    const share = found.matmul_share === null ? "" : `, ${(100 * found.matmul_share).toFixed(0)} % of the peak`;
    const rows = [
      ["multiply-adds in registers", shown(found.multiply_add_gflop_per_s, "GFLOP/s")],
      ["exponentials in registers", shown(found.exponential_g_per_s, "10⁹/s")],
      ["copy, bytes read and written", shown(found.copy_gb_per_s, "GB/s")],
      ["matmul 1024×512×1024", `${shown(found.matmul_gflop_per_s, "GFLOP/s")}${share}`],
      ["additional dispatch", shown(found.dispatch_us, "µs")],
      ["additional submit", shown(found.submit_us, "µs")],
    ];
    await context.keep({ result: found, tables: [{ title: "Peaks", columns: ["measured", "best"], rows }] });
    return 0;
  });
