/** What a run leaves on disk: the types of its files, and the rules that check them. */
export * from "./types.ts";
export * from "./read_arm.ts";
export * from "./read_run.ts";
export { RECORD_LIMITS, STAGES } from "./rules.ts";
