/** The part for the final test of a study that tunes: half of what is not trained on, unless the study says where it is. */
import { strict as assert } from "node:assert";
import { mergeValues, presetValues, usualValues } from "../../core/study_file/precedence.ts";
import { readStudyText } from "../../core/study_file/mod.ts";
import { testPartFlags } from "../../core/study/tuned.ts";

const flagsOf = (text: string) => {
  const { values, faults } = readStudyText(text, { file: "my.toml" });
  assert.deepEqual(faults, []);
  return testPartFlags(mergeValues(usualValues(), presetValues("smoke"), values, new Map()));
};

Deno.test("a study that tunes gets a test part, but not beside a test file or a fraction of its own", () => {
  assert.deepEqual(flagsOf("").map(({ path, value }) => [path, value]), [["data.testFraction", 0.05]]);
  assert.deepEqual(flagsOf('[data]\ntestFiles = ["t.txt"]\n'), []);
  assert.deepEqual(flagsOf("[data]\ntrainFraction = 0.8\ntestFraction = 0.1\n"), []);
});
