/** The library as browsers and Node load it. */
import "./older_engines.ts";
export * from "../../mod.ts";
