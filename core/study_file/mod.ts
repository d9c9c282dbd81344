/**
 * This folder: study files, and one table of keys with which they are read, written and explained.
 * Study files: a table of keys, with which they are read, written and explained.
 */
export * from "./key.ts";
export * from "./keys.ts";
export * from "./overrides.ts";
export * from "./presets.ts";
export * from "./read.ts";
export * from "./resolve.ts";
export * from "./values.ts";
export * from "./explain.ts";
export * from "./schema.ts";
export * from "./sweep.ts";
export * from "./write.ts";
