/** Tensors without numbers (a shape and a place), the steps that read and write them, and the tape that records steps. */
export * from "./half_formats.ts";
export * from "./halves.ts";
export * from "./op.ts";
export * from "./step.ts";
export * from "./tensor.ts";
export * from "./tape.ts";
