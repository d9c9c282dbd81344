export * from "./layers.ts";
export * from "./model.ts";
export * from "./sizes.ts";
