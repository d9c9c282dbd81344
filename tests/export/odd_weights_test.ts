/** Weights that are NaN or infinite are exported in no format. */
import assert from "node:assert/strict";
import { HymbaError } from "../../core/errors.ts";
import { EXPORT_FORMATS, exportFiles } from "../../core/export/mod.ts";
import { at, present } from "../../core/lists.ts";
import { smallModels } from "../train/models.ts";
import { madeModel } from "./models.ts";

Deno.test("export: NaN and infinity are refused in every format, with the tensor and the place", async () => {
  const { model } = await madeModel(at(smallModels(), 1)), name = at(Object.keys(model.weights), -1);
  for (const format of EXPORT_FORMATS) {
    for (const odd of [NaN, Infinity, -Infinity]) {
      const values = Float32Array.from(present(model.weights[name], name));
      values[values.length - 1] = odd;
      const broken = { ...model, weights: { ...model.weights, [name]: values } };
      assert.throws(() => exportFiles(broken, format), (error: unknown) => {
        assert.ok(error instanceof HymbaError);
        assert.deepEqual(error.parts.got, `${odd} at place ${values.length - 1} of ${values.length}`);
        assert.ok(error.message.includes(name) && error.message.includes(model.source), error.message);
        return true;
      });
    }
  }
});
