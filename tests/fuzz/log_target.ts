import { strict as assert } from "node:assert";
import { memoryDisk, readLog, writeFile } from "../../core/disk/mod.ts";
import type { Dice } from "./dice.ts";
import type { FuzzTarget } from "./targets.ts";

const VALUES = ["1", "-0.5e-300", '"é\\n"', "null", "[1,[2]]", '{"a":{}}', "true", '"=cmd()"', '"<script>"'];

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const sound = dice.once(2);
  const line = () => `{${["step", "loss", "__proto__"].map((key) => `"${key}":${dice.pick(VALUES)}`).join(",")}}`;
  const lines = Array.from({ length: 1 + dice.below(4) }, line);
  if (!sound) lines[dice.below(lines.length)] = dice.pick(["", "[]", "3", "{", "{}{}", "\ufeff{}"]);
  const torn = dice.once(2) ? '{"step":' : "";
  return { bytes: new TextEncoder().encode(`${lines.map((each) => `${each}\n`).join("")}${torn}`), sound };
}

async function parse(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const disk = memoryDisk();
  await writeFile(disk, "/log", bytes);
  const records = await readLog(disk, "/log");
  const lines = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).split("\n").slice(0, -1);
  assert.deepEqual(
    records.map((record) => JSON.stringify(record)),
    lines.map((line) => JSON.stringify(JSON.parse(line))),
  );
  return true;
}

/** The reader of metrics logs. */
export const logTarget: FuzzTarget = { generate, parse };
