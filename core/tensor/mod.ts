export * from "./half_formats.ts";
export * from "./halves.ts";
export * from "./step.ts";
export * from "./tensor.ts";
export * from "./tape.ts";
