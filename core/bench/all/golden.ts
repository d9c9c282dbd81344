/** Golden cases: float64 results of another implementation. */
import { systemDisk } from "../../disk/mod.ts";
import { HymbaError } from "../../errors.ts";
import { goldenCases, type GoldenRow, runGolden } from "../../proof/golden.ts";
import { Absent, type Found, type Part, withBackend } from "./part.ts";
import type { Variant } from "./variants.ts";

function foundOf(rows: readonly GoldenRow[], left: number): Found {
  const failed = rows.filter(({ ok }) => !ok), passed = rows.length - failed.length;
  const lines = rows.toSorted((a, b) => Number(a.ok) - Number(b.ok) || b.error / b.bound - a.error / a.bound)
    .map(({ file, worst, error, bound, ok, message }) => [
      file,
      message ?? worst,
      Number.isFinite(error) ? error.toExponential(2) : "—",
      bound.toExponential(0),
      ok ? "ok" : "FAIL",
    ]);
  return {
    result: { passed, failed: failed.length, left_out: left, rows },
    tables: [{
      title: `Golden cases: ${passed} passed, ${failed.length} failed, ${left} not run`,
      columns: ["file", "worst tensor", "error", "bound", ""],
      rows: lines,
    }],
  };
}

export const goldenPart = (variant: Variant): Part => (context) => {
  const { golden, clock, keep } = context;
  if (golden === undefined) throw new Absent("no folder of golden cases (--golden)");
  return withBackend(context, variant, async ({ executor }) => {
    const rows: GoldenRow[] = [], all = (await goldenCases(golden, { disk: systemDisk })).length;
    await runGolden(executor, golden, {
      disk: systemDisk,
      precision: variant.precision,
      isOver: () => clock.over(),
      onCase: (row) => keep(foundOf(rows, all - rows.push(row))),
    });
    const failed = rows.filter(({ ok }) => !ok).length;
    if (failed > 0) throw new HymbaError(`${failed} golden cases failed`);
    return all - rows.length;
  });
};
