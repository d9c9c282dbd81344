/** The list of steps that every executor runs: plans, memory slots, 16-bit rules, and the interface of an executor. */
export * from "./executor.ts";
export * from "./half_products.ts";
export * from "./packed_saves.ts";
export * from "./like_rows.ts";
export * from "./memory.ts";
export * from "./plan.ts";
export * from "./recomputed_outputs.ts";
export * from "./reference_executor.ts";
export * from "./slots.ts";
