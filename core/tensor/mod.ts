export * from "./tensor.ts";
export * from "./tape.ts";
