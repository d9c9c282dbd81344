export * from "./halves.ts";
export * from "./tensor.ts";
export * from "./tape.ts";
