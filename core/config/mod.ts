export * from "./layers.ts";
export * from "./model.ts";
export * from "./sizes.ts";
export * from "./study.ts";
export * from "./record.ts";
