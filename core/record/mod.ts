/**
 * This folder: the files of a run, with types, rules that check them, and readers.
 * The files of a run: names, schemas, types and readers.
 */
export * from "./attention_maps.ts";
export * from "./json_file.ts";
export * from "./load_run.ts";
export * from "./model_folder.ts";
export * from "./newest_run.ts";
export * from "./own_folder.ts";
export * from "./part.ts";
export * from "./paths.ts";
export * from "./read_arm.ts";
export * from "./read_run.ts";
export { addReading, joinedReadings, type Reading } from "./readings.ts";
export * from "./run_state.ts";
export { RECORD_LIMITS, type StageName, STAGES } from "./rules.ts";
export * from "./speeds.ts";
export * from "./study_label.ts";
export * from "./test_part.ts";
export * from "./sweep.ts";
export * from "./token_losses.ts";
export * from "./types.ts";
