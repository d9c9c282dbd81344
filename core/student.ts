/** Quantiles of Student's t and of χ². The library (jstat) takes 25 ms to load, so it is loaded only where a run is read. */
import { HymbaError } from "./errors.ts";

type Quantile = (p: number, freedom: number) => number;

/** The functions of the library that are used. */
interface Library {
  readonly studentt: { readonly inv: Quantile };
  readonly chisquare: { readonly inv: Quantile };
  readonly normal: { cdf(x: number, mean: number, deviation: number): number };
}

let library: Library | undefined;

/** Loads the library. `loadRun` calls it, because the functions that use a run are synchronous. */
export async function loadStudent(): Promise<void> {
  library = (await import("jstat")).default;
}

function loaded(): Library {
  if (library) return library;
  throw new HymbaError("Student's t distribution is not loaded", { hint: "await loadStudent() first" });
}

/**
 * The quantile `p`, between 0 and 1, of Student's t with `freedom` degrees of freedom, with a relative error below 1e-7. Like
 * all functions here it throws a HymbaError if the library is not loaded.
 */
export const studentQuantile = (p: number, freedom: number): number => loaded().studentt.inv(p, freedom);

/** The same for χ². */
export const chiSquareQuantile = (p: number, freedom: number): number => loaded().chisquare.inv(p, freedom);

/** The share of the normal distribution below x. */
export const normalShare = (x: number): number => loaded().normal.cdf(x, 0, 1);
