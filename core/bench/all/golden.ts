/** Golden cases: float64 results of another implementation. */
import { systemDisk } from "../../disk/mod.ts";
import { HymbaError } from "../../errors.ts";
import { nullOr, number, object, oneOf, optional, readAs, text } from "../../file_schema.ts";
import { goldenCases, type GoldenRow, runGolden } from "../../proof/golden.ts";
import { Absent, type Found, type Part, withBackend } from "./part.ts";
import type { Variant } from "./variants.ts";

/** A row as it is kept. JSON makes null of the infinite error of a case that could not be compared. */
const keptRow = object({
  file: text(),
  op: text(),
  worst: text(),
  error: nullOr(number({ min: 0 })),
  bound: number({ min: 0 }),
  ok: oneOf([true, false]),
  message: optional(text({ max: 2 ** 16 })),
});

function asRow(value: unknown, path: string): GoldenRow {
  const { message, error, ...row } = readAs(keptRow, value, path);
  return { ...row, error: error ?? Infinity, ...(message !== undefined && { message }) };
}

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
  const { golden, clock, keep, once } = context;
  if (golden === undefined) throw new Absent("no folder of golden cases (--golden)");
  return withBackend(context, variant, async ({ executor }) => {
    const rows: GoldenRow[] = [], all = (await goldenCases(golden, { disk: systemDisk })).length;
    await runGolden(executor, golden, {
      disk: systemDisk,
      precision: variant.precision,
      isOver: () => clock.over(),
      once: (file, measure) => once(file, { as: asRow, measure }),
      onCase: (row) => keep(foundOf(rows, all - rows.push(row))),
    });
    const failed = rows.filter(({ ok }) => !ok).length;
    if (failed > 0) throw new HymbaError(`${failed} golden cases failed`);
    return all - rows.length;
  });
};
