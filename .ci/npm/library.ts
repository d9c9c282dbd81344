/** The library as browsers and Node load it. Older engines get the few functions of the language that they lack. */
import "npm:core-js@3.49.0/actual/array-buffer/index.js";
export * from "../../mod.ts";
