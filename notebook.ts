/**
 * The library, and what a notebook wants besides it: tables and charts that display themselves in Deno's kernel for Jupyter, figures of runs, and
 * the commands of the program. The notebooks in `docs/notebooks/` use it.
 *
 * @example
 * ```ts
 * import { showTable } from "@hymba/hymba/notebook";
 *
 * const table = showTable([{ tokens: 256, bytes: 4096 }, { tokens: 512, bytes: 4096 }], { title: "Caches" });
 * console.log(String(table)); // as the last value of a cell, `table` alone shows it
 * ```
 *
 * @module
 */
export { hymba } from "./core/library/commands.ts";
export {
  type ChartOptions,
  type LinePoints,
  runTables,
  showArchitecture,
  showAttention,
  showLayers,
  showLines,
  showRun,
} from "./core/library/pictures.ts";
export { type MimeBundle, show, Shown, showTable, type TableValue } from "./core/library/shown.ts";
export { type CacheSize, cacheSize } from "./core/config/mod.ts";
export { parameterCount } from "./core/params/specs.ts";
export * from "./mod.ts";
