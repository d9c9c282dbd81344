/** The places of keys in TOML texts of every form. */
import { strict as assert } from "node:assert";
import { parse } from "smol-toml";
import { itemsIn, placeIn, placesOf } from "../../core/study_file/places.ts";

const TEXT = `# [not.a.table]
top = "a # b" # comment = 1
"quoted key" = 1
list = [ # comment ]
  1, # [x]
  [2, 3],
]
long = """
[inside]
key = 1 \\""" ""\\"
"""
  literal = 'c:\\\\[x] = '
raw = '''
[inside.too]'''

[ a . "b" ] # comment
  dotted.name = { x = 1, y = [1,
2] }
[[rows]]
first = 1
`;

const words = ({ line, column }: { line: number; column: number }) => `${line}:${column}`;

Deno.test("keys, tables, quoted and dotted keys behind strings and lists of several lines", () => {
  assert.ok(parse(TEXT));
  const { keys } = placesOf(TEXT);
  const found = Object.fromEntries([...keys].map(([path, place]) => [JSON.parse(path).join("/"), words(place)]));
  assert.deepEqual(found, {
    top: "2:1",
    "quoted key": "3:1",
    list: "4:1",
    long: "8:1",
    literal: "12:3",
    raw: "13:1",
    "a/b": "16:1",
    a: "16:1",
    "a/b/dotted/name": "17:3",
    "a/b/dotted": "17:3",
    "a/b/dotted/name/x": "17:19",
    "a/b/dotted/name/y": "17:26",
    rows: "19:1",
    "rows/first": "20:1",
  });
  assert.deepEqual(placeIn(placesOf(TEXT), ["a", "b", "dotted", "name", "y", "z"]), { line: 17, column: 26 });
  assert.deepEqual(placeIn(placesOf(TEXT), ["nowhere"]), { line: 1, column: 1 });
});

Deno.test("keys with escapes, with dots in quotes, in inline tables in lists and over lines, and items of lists", () => {
  const text = `"\\u0061rms" = { x = { from = "hymba", "inner\\u004eorm" = [{ a = 1 }, { a = 2 }] } }\r
'a.b' . "c\\"d" = [ # one
  "x, y]", { z = '}' , w = [1, [2]] },\r
]
`;
  assert.ok(parse(text));
  const places = placesOf(text), at = (...path: string[]) => words(placeIn(places, path));
  assert.equal(at("arms", "x", "from"), "1:23");
  assert.equal(at("arms", "x", "innerNorm"), "1:39");
  assert.equal(at("arms", "x", "innerNorm", "1", "a"), "1:72");
  assert.equal(at("a.b", 'c"d'), "2:1");
  assert.equal(at("a.b", 'c"d', "1", "w"), "3:24");
  assert.deepEqual(itemsIn(places, ["a.b", 'c"d'])?.map(words), ["3:3", "3:12"]);
  assert.deepEqual(itemsIn(places, ["arms"]), undefined);
});
