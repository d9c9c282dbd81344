/** Configurations of models and studies: options, layers, presets, suites, and the rules that check them. */
export * from "./attention_codes.ts";
export * from "./differences.ts";
export * from "./factors.ts";
export * from "./layers.ts";
export * from "./model.ts";
export * from "./options.ts";
export * from "./pattern.ts";
export * from "./sizes.ts";
export * from "./stage.ts";
export * from "./study.ts";
export * from "./suites.ts";
export { FIELD_TYPES, FieldError, type FieldFault } from "./validate.ts";
export * from "./value_types.ts";
