/** The versions of the program and its engines, and the command line, for run records. */
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

/** This command line, quoted for a shell. */
export const commandLine = (): string =>
  ["hymba", ...Deno.args.map((word) => /^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)]
    .join(" ");
