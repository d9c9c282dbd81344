/** A few kills of a few commands. `tests/kills/run.ts` kills all of them hundreds of times. */
import { strict as assert } from "node:assert";
import { campaign } from "./campaign.ts";
import { CASES } from "./cases.ts";
import { QUICK } from "../thorough.ts";

/** In all: more would take minutes. */
const KILLS = 6;
const FEW = ["ablate", "orpo", "tokenizer train", "report", "download of a corpus"];

Deno.test({
  name: "commands that are killed and repeated have the same results as undisturbed ones",
  // Windows has no SIGKILL and no strace.
  ignore: QUICK || Deno.build.os === "windows",
  fn: async () => {
    const cases = CASES.filter(({ name }) => FEW.includes(name));
    const found = await campaign(cases, { kills: KILLS, seed: 1, say: (line) => console.log(line) });
    assert.deepEqual(found.flatMap(({ of, wrong }) => wrong.map((line) => `${of.name} ${line}`)), []);
    const kills = found.flatMap(({ kills }) => kills);
    console.log(`kills: ${kills.length} of ${found.length} commands, all with the results of undisturbed calls`);
    assert.equal(kills.length, KILLS);
  },
});
