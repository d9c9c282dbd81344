import { commandLineTarget } from "./command_line_target.ts";
import { configurationTarget } from "./configuration_target.ts";
import type { Dice } from "./dice.ts";
import { foreignTarget } from "./foreign_target.ts";
import { logTarget } from "./log_target.ts";
import { manifestTarget } from "./manifest_target.ts";
import { mapsTarget } from "./maps_target.ts";
import { modelTarget } from "./model_target.ts";
import { progressTarget } from "./progress_target.ts";
import { recordTarget } from "./record_target.ts";
import { resultTarget } from "./result_target.ts";
import { safetensorsTarget } from "./safetensors_target.ts";
import { tokenizerJsonTarget } from "./tokenizer_json_target.ts";

/** A parser under test. */
export interface FuzzTarget {
  /** A well-formed input, or one with a wrong structure. `sound` says that the parser must accept it. */
  generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean };
  /**
   * Parses. Returns false for a refused input, throws a HymbaError for an input that is refused with a message, and any
   * other error for a fault. Checks an accepted input by means that are independent of the parser.
   */
  parse(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> | boolean;
}

/** Every parser that is fuzzed, by its name on the command line. */
export const TARGETS: Record<string, FuzzTarget> = {
  safetensors: safetensorsTarget,
  manifest: manifestTarget,
  maps: mapsTarget,
  result: resultTarget,
  progress: progressTarget,
  log: logTarget,
  record: recordTarget,
  configuration: configurationTarget,
  "foreign-configuration": foreignTarget,
  model: modelTarget,
  "tokenizer-json": tokenizerJsonTarget,
  "command-line": commandLineTarget,
};
