/**
 * Kills every command at a random moment, repeats the command, and compares its files and output with those of an undisturbed call.
 * Half of the kills are after a random time, half at a system call on the command's own files (strace). Every fourth command is
 * killed twice.
 *
 *     deno run -A tests/kills/run.ts --kills 500 --seed 1 [--only "tokenizer train,csv"] [--minutes N]
 *
 * Prints the counts by command. Exit code 1 when the results of a command differ.
 */
import { parseArgs } from "node:util";
import { campaign } from "./campaign.ts";
import { CASES } from "./cases.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    kills: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    minutes: { type: "string", default: "Infinity" },
  },
});
const wanted = values.only?.split(","), cases = CASES.filter(({ name }) => wanted?.includes(name) ?? true);
const found = await campaign(cases, {
  kills: Number(values.kills),
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  say: (line) => console.error(line),
});
for (const { of, kills, missed, wrong } of found) {
  const calls = kills.filter(({ by }) => by === "call").length;
  console.log(
    `${of.name}: ${kills.length} kills (${calls} at a system call), ${missed} ended first, ${wrong.length} wrong`,
  );
  for (const line of wrong) console.log(`  ${line}`);
}
const all = found.flatMap(({ kills }) => kills), wrong = found.flatMap(({ wrong }) => wrong);
const calls = all.filter(({ by }) => by === "call").length;
console.log(
  `seed ${values.seed}: ${all.length} kills of ${found.length} commands, ${calls} at a system call; ` +
    `${wrong.length} with other results`,
);
if (wrong.length > 0) Deno.exit(1);
