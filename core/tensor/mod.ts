/** Tensors without numbers (a shape and a place), the steps that read and write them, and the tape that records steps. */
export * from "./half_formats.ts";
export * from "./half_slices.ts";
export * from "./op.ts";
export * from "./plan_step.ts";
export * from "./tensor.ts";
export * from "./tape.ts";
