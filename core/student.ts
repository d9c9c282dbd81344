/** Quantiles of Student's t distribution. The library (jstat) takes 25 ms to load, so only a run of several seeds loads it. */
import { HymbaError } from "./errors.ts";

type Quantile = (p: number, freedom: number) => number;

let quantile: Quantile | undefined;

/** Loads the library. `loadRun` calls this, because what is made from a run cannot wait. */
export async function loadStudent(): Promise<void> {
  const { studentt }: { studentt: { inv: Quantile } } = (await import("jstat")).default;
  quantile = studentt.inv;
}

/**
 * The t that a share `p`, between 0 and 1, of the distribution with `freedom` degrees of freedom lies below; right to 1e-7 of
 * its size. Throws a HymbaError when the library has not been loaded.
 */
export function studentQuantile(p: number, freedom: number): number {
  if (quantile) return quantile(p, freedom);
  throw new HymbaError("Student's t distribution is not loaded", { hint: "await loadStudent() first" });
}
