/** `hymba tune`: the fastest tiles of matrix products on this adapter. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { keepTiles } from "../../core/backend/tile_cache.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { at } from "../../core/lists.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import { productShapes, type TunedShape, tuneShape } from "../../core/bench/tune.ts";
import { openWebgpu } from "../../core/webgpu/mod.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { modelNames, word } from "../shared/value_parsers.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const options = merge(
  object("What to tune for", {
    shape: withDefault(
      option("--shape", "--preset", word("peers|smoke|quick|small|paper"), {
        description: message`a preset (quick by default), or the comparison with other engines`,
      }),
      "quick",
    ),
    models: optional(
      option("--models", modelNames(), { description: message`only the products of these models` }),
    ),
    runs: withDefault(
      option("--runs", integer({ min: 1, metavar: "N" }), { description: message`timed runs of each; 2 by default` }),
      2,
    ),
    json: jsonOption,
  }),
  backendOptions,
);

export const tuneCommand = command("tune", map(options, (given): Action => () => tune(given)), {
  brief: message`the fastest tiles of matrix products on this WebGPU adapter`,
  description:
    message`Times every tile of the adapter's class for each product of the models' training steps. Saves the fastest tiles of this adapter and driver in the cache folder. Later runs use and record them. Example: hymba tune --shape paper --models hymba`,
});

async function tune(
  { shape, models, runs, json, backend, adapter: wanted }: InferValue<typeof options>,
): Promise<void> {
  if (backend === "cpu") {
    throw new UsageError("tune is for WebGPU adapters only", {
      hint: "omit --backend, and choose an adapter with --adapter",
    });
  }
  const { arms, B, T } = benchShape(shape, { models: models?.split(",") });
  const onProgress = say;
  const executor = await openWebgpu({ adapter: wanted, onProgress });
  try {
    const { name, driver } = executor.opened.info, found: TunedShape[] = [];
    const products = productShapes(executor, arms, { B, T });
    for (const [i, product] of products.entries()) {
      const tuned = await tuneShape(executor, product, { runs }), { shape, tile, gflop_per_s } = tuned;
      found.push(tuned);
      onProgress(`${i + 1} of ${products.length}: ${shape}: ${tile}, ${gflop_per_s.toFixed(1)} GFLOP/s`);
    }
    const tiles = Object.fromEntries(found.map(({ shape, tile }) => [shape, tile]));
    const file = await keepTiles(systemDisk, { name, driver }, { tiles });
    if (json) printJson("tune", { adapter: { name, driver }, written: [file], shapes: found });
    else console.log(`${tuneTable(found)}\n\nwrote ${file}`);
  } finally {
    await executor.close();
  }
}

const tuneTable = (shapes: readonly TunedShape[]): string =>
  table([
    ["product", "tile", "GFLOP/s", "of the first candidate"],
    ...shapes.map(({ shape, tile, gflop_per_s, tried }) => {
      const first = at(Object.values(tried), 0);
      return [shape, tile, gflop_per_s.toFixed(1), `${(100 * gflop_per_s / first).toFixed(0)} %`];
    }),
  ]);
