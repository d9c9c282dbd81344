export * from "./layers.ts";
export * from "./model.ts";
export * from "./options.ts";
export * from "./sizes.ts";
export * from "./study.ts";
export * from "./suites.ts";
export * from "./record.ts";
export * from "./read_record.ts";
export { parseJson } from "./schema.ts";
