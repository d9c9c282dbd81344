/** The error about a file that is not JSON does not show what is in the file: in a hostile folder it may be a link to a private one. */
import assert from "node:assert/strict";
import { parseJson } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";

Deno.test("an error about JSON shows no content of the file", () => {
  for (
    const text of [
      "my diary\n".repeat(50),
      "password: hunter2",
      '{"a": secret}',
      `${" ".repeat(99)}secret ${" ".repeat(99)}`,
    ]
  ) {
    assert.throws(() => parseJson(text, "run.json"), (error) => {
      assert.ok(error instanceof HymbaError);
      const said = `${error.message} ${Deno.inspect(error)}`;
      return /run\.json is damaged/.test(said) && !/diary|hunter2|secret/.test(said);
    });
  }
});
