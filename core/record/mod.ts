/** What a run leaves on disk: the schemas and types of its files. */
export * from "./types.ts";
export * from "./read_arm.ts";
export * from "./read_run.ts";
export { RECORD_LIMITS, type StageName, STAGES } from "./rules.ts";
