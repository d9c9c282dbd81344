/** The errors of schemas, and values that valibot would accept. */
import { strict as assert } from "node:assert";
import {
  accepts,
  either,
  list,
  mapOf,
  number,
  object,
  oneOf,
  optional,
  readAs,
  text,
  whole,
} from "../core/file_schema.ts";
import { HymbaError } from "../core/errors.ts";

const arm = object({
  name: text({ max: 8 }),
  seeds: list(whole(), { min: 1, max: 3 }),
  rate: optional(number({ min: 0 })),
});
const study = object({
  arms: list(arm, { max: 2 }),
  words: mapOf(either(text(), number(), "a text or a number"), { max: 3 }),
});
const sound = () => ({ arms: [{ name: "a", seeds: [1] }], words: { a: "x", b: 1 } });

/** The lines of the error that a value gives. */
function errorOf(value: unknown): string[] {
  try {
    readAs(study, value, "run.json");
  } catch (error) {
    assert(error instanceof HymbaError);
    return error.message.split("\n").slice(0, 3).map((line) => line.trim().replace(/ +/g, " "));
  }
  return assert.fail("nothing was refused");
}

const REFUSED: readonly (readonly [value: unknown, place: string, expected: string, got: string])[] = [
  [null, "run.json", "an object", '"null"'],
  [[], "run.json", "an object", "a list of 0"],
  [{ words: {} }, "run.json.arms", "a list of 0 to 2", "nothing"],
  [{ ...sound(), arms: [{ seeds: [1] }] }, "run.json.arms[0].name", "a text of at most 8 characters", "nothing"],
  [
    { ...sound(), arms: [{ name: "123456789", seeds: [1] }] },
    "run.json.arms[0].name",
    "a text of at most 8 characters",
    '"123456789"',
  ],
  [
    { ...sound(), arms: [{ name: "a", seeds: [1, 0.5] }] },
    "run.json.arms[0].seeds[1]",
    "a whole number from 0 to 9007199254740991",
    '"0.5"',
  ],
  [
    { ...sound(), arms: [{ name: "a", seeds: [1, 2, 3, 4] }] },
    "run.json.arms[0].seeds",
    "a list of 1 to 3",
    "a list of 4",
  ],
  [
    { ...sound(), arms: [{ name: "a", seeds: [1], rate: null }] },
    "run.json.arms[0].rate",
    "a number from 0 to Infinity",
    '"null"',
  ],
  [{ ...sound(), words: { "a b": [] } }, 'run.json.words["a b"]', "a text or a number", "a list of 0"],
  [{ ...sound(), words: { a: 1, b: 1, c: 1, d: 1 } }, "run.json.words", "an object of at most 3 fields", "an object"],
];

Deno.test("an error names the file, the place, what was expected there and what was found", () => {
  for (const [value, place, expected, got] of REFUSED) {
    assert.deepEqual(errorOf(value), [`${place} is not what it should be`, `expected: ${expected}`, `got: ${got}`]);
  }
});

Deno.test("the value itself comes back, with the fields that the schema does not name", () => {
  const value = { ...sound(), more: [1] };
  assert.equal(readAs(study, value, "run.json"), value);
  assert.deepEqual(value, { ...sound(), more: [1] });
});

Deno.test("names that mean something in every object do not slip past a map's schema", () => {
  const map = mapOf(whole(), { max: 9 });
  for (const name of ["__proto__", "prototype", "constructor"]) {
    const value: unknown = JSON.parse(`{"a":1,"${name}":"text"}`);
    assert.ok(!accepts(map, value), name);
    assert.throws(() => readAs(map, value, "file"), HymbaError);
  }
  assert.ok(accepts(map, { a: 1 }) && accepts(map, {}));
});

Deno.test("a required field that is only inherited is missing", () => {
  const schema = object({ toString: oneOf(["x"]) });
  assert.ok(!accepts(schema, {}));
  assert.ok(accepts(schema, { toString: "x" }));
});

Deno.test("a list that is too long is refused before its items are looked at, and only the first fault is", () => {
  let looked = 0;
  const items = (length: number) =>
    new Proxy(new Array(length).fill("x"), {
      get(target, key, receiver) {
        if (typeof key === "string" && /^\d+$/.test(key)) looked++;
        return Reflect.get(target, key, receiver);
      },
    });
  const schema = list(whole(), { max: 10 });
  assert.ok(!accepts(schema, items(11)));
  assert.equal(looked, 0);
  assert.throws(() => readAs(schema, items(10), "file"), /file\[0\]/);
  assert.equal(looked, 1);
});
