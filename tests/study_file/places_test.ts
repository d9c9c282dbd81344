/** The places of keys in TOML texts of every form. */
import { strict as assert } from "node:assert";
import { parse } from "smol-toml";
import { placeIn, placesOf } from "../../core/study_file/places.ts";

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

Deno.test("keys, tables, quoted and dotted keys behind strings and lists of several lines", () => {
  assert.ok(parse(TEXT));
  const found = Object.fromEntries(
    [...placesOf(TEXT)].map(([path, { line, column }]) => [path, `${line}:${column}`]),
  );
  assert.deepEqual(found, {
    top: "2:1",
    "quoted key": "3:1",
    list: "4:1",
    long: "8:1",
    literal: "12:3",
    raw: "13:1",
    "a.b": "16:1",
    "a.b.dotted.name": "17:3",
    rows: "19:1",
    "rows.first": "20:1",
  });
  assert.deepEqual(placeIn(placesOf(TEXT), "a.b.dotted.name.y"), { line: 17, column: 3 });
});
