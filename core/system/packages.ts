/** The npm packages that the program can load: its bill of materials. `tests/licences.ts` writes the list. */
import packages from "./packages.json" with { type: "json" };

/** One npm package. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX identifier of its licence. */
  readonly licence: string;
}

/** Every package, by name. Most are loaded only when they are needed; some only on one system. */
export const PACKAGES: readonly NpmPackage[] = packages;
