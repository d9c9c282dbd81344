import { strict as assert } from "node:assert";
import { troubleEverywhere, TROUBLES } from "./study_faults.ts";
import { thorough } from "../thorough.ts";

thorough(
  "a study whose disk fails or whose process is killed at an operation ends with the bits of an undisturbed run",
  async () => {
    const { operations, struck } = await troubleEverywhere({ stride: 251 });
    assert.deepEqual(Object.keys(struck).sort(), TROUBLES.map(({ name }) => name).sort());
    const all = Object.values(struck).reduce((sum, count) => sum + count, 0);
    console.log(`studies: ${all} with a fault at ${operations} operations, all ended with the same bits`);
    assert.ok(all >= TROUBLES.length, `${all}`);
  },
);
