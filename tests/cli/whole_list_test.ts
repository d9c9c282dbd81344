/** One error lists the faults that the reader finds, missing files, and points of the sweep. */
import { strict as assert } from "node:assert";
import { requireFiles, sourcesOf } from "../../cli/shared/study_sources.ts";
import { StudyFaults } from "../../core/study_file/mod.ts";
import { hymba, makePlace } from "./command_line.ts";

const REST = `[data]
files = ["nothing.txt", "none/*.txt"]
tokenizer = "t.model"
[sweep]
over = ["model.dModel=63,64", "pretraining.accumulate=3,x"]
`;

/** Places of the faults that the promise is rejected with, without the name of the file. */
async function placesOf(promise: Promise<unknown>): Promise<string[]> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof StudyFaults, String(error));
    return error.faults.map(({ at }) => at.replace(/^.*\.toml:/, ""));
  }
  return [];
}

async function withStudy(text: string, body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    await Deno.writeTextFile(path, text);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("faults of a study: values, missing files and points of the sweep come in one list", async () => {
  await withStudy(`preset = "smoke"\nseeds = 0\n${REST}`, async (path) => {
    assert.deepEqual(await placesOf(sourcesOf(path, [])), ["2:1", "4:10", "4:25", "5:1", "7:9", "7:31", "7:31"]);
    assert.deepEqual(await placesOf(sourcesOf(path, [], { data: "a.txt" })), ["2:1", "5:1", "7:9", "7:31", "7:31"]);
  });
});

Deno.test("faults of a study: where files are missing, points of the sweep are listed with them", async () => {
  await withStudy(`preset = "smoke"\nseeds = 1\n${REST.replace(",x", "")}`, async (path) => {
    const sources = await sourcesOf(path, []);
    assert.deepEqual(await placesOf(requireFiles(sources, {})), ["4:10", "4:25", "5:1", "7:9", "7:31"]);
  });
});

Deno.test("faults of a study: an error inside a text or tokenizer begins with the place that names the file", async () => {
  const place = await makePlace(), { folder, text } = place;
  await Deno.writeTextFile(`${folder}/short.txt`, "to be");
  await Deno.writeTextFile(`${folder}/text.model`, "to be or not to be");
  const studies = {
    [`files = ["short.txt"]`]: /s\.toml:3:1: .*short\.txt is too short/,
    [`files = [${JSON.stringify(text)}]\ntestFiles = ["short.txt"]`]: /s\.toml:4:1: .*short\.txt is too short/,
    [`files = [${JSON.stringify(text)}]\ntokenizer = "text.model"`]:
      /s\.toml:4:1: .*text\.model is a text, not a tokenizer/,
  };
  for (const [lines, expected] of Object.entries(studies)) {
    await Deno.writeTextFile(`${folder}/s.toml`, `preset = "smoke"\n[data]\n${lines}\n`);
    const { error } = await hymba(place, "cells", `${folder}/s.toml`, "--backend", "cpu");
    assert.match(error, expected);
  }
});
