import { strict as assert } from "node:assert";
import { parseSync } from "@optique/core/parser";
import { COMMANDS, loadCommands } from "../../cli/tree.ts";
import { readRequest } from "../../cli/ui/settings.ts";
import { parseError, unknownCommand } from "../../cli/ui/usage_error.ts";
import { PRESETS } from "../../core/config/study.ts";
import { UsageError } from "../../core/errors.ts";
import type { Dice } from "./dice.ts";
import type { FuzzTarget } from "./targets.ts";

const commands = await loadCommands();
/** Each command by the word that calls it, as the program loads it. */
const alone = new Map(
  COMMANDS.flatMap((name, i) => commands.slice(i, i + 1).map((command) => [name, command] as const)),
);
const SOUND = [
  ["ablate", "--preset", "smoke", "--steps", "3", "--json"],
  ["ablate", "--models", "mamba,hymba", "--seeds", "2", "--beta", "0.5", "--backend", "cpu", "--threads", "2"],
  ["pretrain", "--model", "hymba", "--data", "a.txt"],
  ["generate", "run", "--prompt", "a", "--temperature", "0.5"],
  ["evaluate", "run", "--text", "a.txt"],
  ["plot", "stages", "run"],
  ["tokenizer", "encode", "a.model", "a.txt"],
  ["csv", "run"],
  ["attention", "--stage", "orpo"],
  ["causality", "--reproduce-leak"],
  ["golden", "dir"],
  ["doctor"],
];
const WORDS = [
  "--",
  "-",
  "--preset",
  "--json",
  "--help",
  "--no-json",
  "--steps=3",
  "--steps=",
  "-1",
  "1e999",
  "",
  "\x1b[2J",
];
const MORE = [
  "\u202e",
  "--\u0000",
  "=cmd()",
  "../..",
  "<script>",
  "__proto__",
  "--toString",
  "x".repeat(80),
  "tokenizer",
];

/** Words are separated by U+0000, which a command line cannot contain. */
function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const words = [...dice.pick(SOUND)], changes = dice.below(4);
  for (let i = 0; i < changes; i++) {
    const at = dice.below(words.length + 1), word = dice.pick([...WORDS, ...MORE]);
    words.splice(at, dice.below(2), word);
  }
  return { bytes: new TextEncoder().encode(words.join("\0")), sound: false };
}

/** The words give an action, or an error that says what is wrong. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const words = new TextDecoder().decode(bytes).split("\0");
  try {
    return called(words);
  } catch (error) {
    assert(error instanceof UsageError);
    assert(error.message.length > 0 && error.message.length < 8192 + 4 * bytes.length);
    return false;
  }
}

/** Reads a command line as the program does. Throws a UsageError for a wrong one. */
function called(given: readonly string[]): boolean {
  const { words } = readRequest(given), [name = ""] = words, command = alone.get(name);
  if (!command) throw unknownCommand(name, COMMANDS);
  const read = parseSync(command, words);
  if (!read.success) throw parseError(read.error, { command, words, presets: PRESETS });
  assert.equal(typeof read.value, "function");
  return true;
}

/** The reader of command lines. No command is run. */
export const commandLineTarget: FuzzTarget = { generate, parse };
