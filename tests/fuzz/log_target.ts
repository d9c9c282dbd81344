import { strict as assert } from "node:assert";
import { metricsLineOf } from "../../core/record/mod.ts";
import { parseLog } from "../../core/disk/mod.ts";
import type { Dice } from "./dice.ts";
import { spoilt } from "./spoil.ts";
import type { FuzzTarget } from "./targets.ts";

const LINE = { arm: "hymba", seed: 1, stage: "orpo", step: 3, kind: "train", loss: 1.25, rate: 0.001, margin: null };
const EXTRA = ["1", "-0.5e-300", '"é\\n"', "null", "[1,[2]]", '{"a":{}}', '"=cmd()"', '"<script>"'];
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const sound = dice.once(2);
  const line = () => {
    const text = JSON.stringify({ ...LINE, step: dice.below(1000), kind: dice.pick(["train", "evaluation"]) });
    return dice.once(3) ? `${text.slice(0, -1)},"__proto__":${dice.pick(EXTRA)}}` : text;
  };
  const lines = Array.from({ length: 1 + dice.below(3) }, line), at = dice.below(lines.length);
  if (!sound) {
    lines[at] = dice.once(2)
      ? dice.pick(["", "[]", "3", "{", "{}{}", "\ufeff{}"])
      : JSON.stringify(spoilt(JSON.parse(lines[at]!), dice));
  }
  const torn = dice.once(2) ? '{"step":' : "";
  return { bytes: new TextEncoder().encode(`${lines.map((each) => `${each}\n`).join("")}${torn}`), sound };
}

/** Lines equal the result of JSON.parse, each with the fields of a metrics line. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const records = parseLog(bytes, "input"), lines = decoder.decode(bytes).split("\n").slice(0, -1);
  assert.equal(records.length, lines.length);
  for (const [i, record] of records.entries()) {
    assert.equal(JSON.stringify(record), JSON.stringify(JSON.parse(lines[i]!)));
  }
  for (const record of records) {
    const { seed, step } = metricsLineOf(record, "input");
    assert(Number.isSafeInteger(seed) && (step === undefined || Number.isSafeInteger(step)));
  }
  return true;
}

/** The reader of metrics logs. */
export const logTarget: FuzzTarget = { generate, parse };
