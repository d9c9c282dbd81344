/** Versions of what computes, for the run record. */
import config from "../../deno.json" with { type: "json" };
import packages from "../../imports.json" with { type: "json" };

export const VERSION: string = config.version;

export const versions = (): Record<string, string> => ({
  hymba: VERSION,
  deno: Deno.version.deno,
  v8: Deno.version.v8,
  typescript: Deno.version.typescript,
  webgpu: packages.imports.webgpu,
});
