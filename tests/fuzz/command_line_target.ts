import { strict as assert } from "node:assert";
import { or } from "@optique/core/constructs";
import { formatMessage } from "@optique/core/message";
import { parseSync } from "@optique/core/parser";
import { loadCommands } from "../../cli/tree.ts";
import { withSuggestion } from "../../cli/ui/suggestion.ts";
import { PRESETS } from "../../core/config/study.ts";
import type { Dice } from "./dice.ts";
import type { FuzzTarget } from "./targets.ts";

const commands = await loadCommands(), tree = or(...commands);
/** Each command alone, as the program loads it when the first word names it. */
const alone = new Map(
  commands.flatMap((command) => {
    const [first] = command.usage;
    return first?.type === "command" ? [[first.name, { commands: [command], tree: or(command) }] as const] : [];
  }),
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

/** The words give an action, or a message that says what is wrong. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const words = new TextDecoder().decode(bytes).split("\0"), loaded = alone.get(words[0]!) ?? { commands, tree };
  const read = parseSync(loaded.tree, words);
  if (read.success) {
    assert.equal(typeof read.value, "function");
    return true;
  }
  const text = withSuggestion(formatMessage(read.error), { commands: loaded.commands, words, presets: PRESETS });
  assert(text.length > 0 && text.length < 4096 + 2 * bytes.length);
  return false;
}

/** The reader of command lines. No command is run. */
export const commandLineTarget: FuzzTarget = { generate, parse };
