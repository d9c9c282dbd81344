/** One refused file for each field of the files of an arm: its result, its recall, and the files of an unfinished arm. */
import { strict as assert } from "node:assert";
import { armResultOf, recallResultOf, stageStateOf } from "../../core/record/mod.ts";
import { memoryDisk } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { loadLatest, saveCheckpoint } from "../../core/params/checkpoint.ts";
import { PROGRESS } from "./progress_target.ts";
import { RECALL, RESULT } from "./result_target.ts";

const [STATE] = PROGRESS["state.json"]!;

/** As read from a file: no object occurs twice. */
const copied = (value: object): unknown => JSON.parse(JSON.stringify(value));

/** Every path of a tree. */
function* places(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) yield* places(item, [...path, key]);
}

const READERS: Record<string, [value: object, read: (value: unknown, path: string) => unknown]> = {
  "result.json": [RESULT, armResultOf],
  "recall.json": [RECALL, recallResultOf],
  ...PROGRESS,
};

for (const [file, [sound, read]] of Object.entries(READERS)) {
  Deno.test(`${file}: a value of another kind in any place is refused, with the place`, () => {
    read(copied(sound), file);
    let rules = 0;
    for (const path of places(sound)) {
      for (const wrong of [true, "a text /", { strange: 1 }, [[]]]) {
        const root: unknown = copied(sound), [last] = path.slice(-1);
        const parent = path.slice(0, -1).reduce((value, key) => Reflect.get(value as object, key), root) as object;
        const before: unknown = Reflect.get(parent, last!);
        // Texts may contain anything; an object of stages may contain unknown stages.
        if (
          typeof before === "string" && typeof wrong === "string" && path.at(-1) !== "arm" && path.at(-1) !== "stage"
        ) {
          continue;
        }
        if (path.join() === "stages" && typeof wrong === "object" && !Array.isArray(wrong)) continue;
        Reflect.set(parent, last!, wrong);
        rules++;
        assert.throws(() => read(root, file), (error: unknown) => {
          assert(error instanceof HymbaError, `${path.join(".")} = ${JSON.stringify(wrong)}: ${error}`);
          assert(error.message.startsWith(`${file}.${path[0]}`), error.message);
          return true;
        }, `${path.join(".")} = ${JSON.stringify(wrong)}`);
      }
    }
    assert(rules >= 3 * [...places(sound)].length, `${rules} rules`);
    for (const wrong of [null, 3, [], "x"]) assert.throws(() => read(wrong, file), /an object/);
  });
}

Deno.test("a checkpoint's state of another kind is refused, though its checksums are right", async () => {
  const disk = memoryDisk();
  await disk.makeFolder("arm");
  await saveCheckpoint(disk, "arm", { stage: "pretraining", step: 1, groups: {}, state: { ...STATE, last: "x" } });
  const found = await loadLatest(disk, "arm", { stage: "pretraining" });
  assert.throws(() => stageStateOf(found?.state, "state.json"), /state\.json\.last is not what it should be/);
});
