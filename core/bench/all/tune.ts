/** The fastest tile of each product of `hymba`. Unlike `hymba tune` it does not save them for later runs. */
import { mapOf, number, object, readAs, text } from "../../file_schema.ts";
import { isSame, present } from "../../lists.ts";
import { WebgpuExecutor } from "../../webgpu/mod.ts";
import { MATMUL_TILES, shapeKey, usualTile } from "../../webgpu/tiles.ts";
import { productShapes, type TunedShape, tuneShape } from "../tune.ts";
import { Absent, type Found, type Part, withBackend } from "./part.ts";

const MODEL = "hymba";

const rate = number({ min: 0 });
const tuned = object({ shape: text(), tile: text(), gflop_per_s: rate, tried: mapOf(rate, { max: 1000 }) });
const asTuned = (value: unknown, path: string): TunedShape => readAs(tuned, value, path);

function foundOf(shapes: readonly TunedShape[], usual: ReadonlyMap<string, string>): Found {
  const rows = shapes.map(({ shape, tile, gflop_per_s, tried }) => {
    const own = usual.get(shape), before = own === undefined ? undefined : tried[own];
    const gain = before === undefined ? "—" : `${(gflop_per_s / before).toFixed(2)}`;
    return [shape, tile, gflop_per_s.toFixed(0), own ?? "—", gain];
  });
  return {
    result: { shapes: shapes.map((one) => ({ ...one, usual: usual.get(one.shape) ?? null })) },
    tables: [{
      title: `Tiles of the products of ${MODEL}`,
      columns: ["product", "fastest tile", "GFLOP/s", "usual tile", "times as fast as the usual one"],
      rows,
    }],
  };
}

/** The names of the tiles that products have without tuning, by their shape. */
function usualTiles(executor: WebgpuExecutor, products: ReturnType<typeof productShapes>): Map<string, string> {
  const context = executor.context(), names = Object.entries(MATMUL_TILES);
  return new Map(products.flatMap((product) => {
    const tile = usualTile(product, context), name = names.find(([, known]) => isSame(known, tile))?.[0];
    return name === undefined ? [] : [[shapeKey(product), name]];
  }));
}

export const tunePart: Part = (context) => {
  const { shape: { arms, B, T }, runs, clock, keep, once } = context;
  const arm = present(arms.find(({ name }) => name === MODEL), `the model ${MODEL}`);
  return withBackend(context, undefined, async ({ executor }) => {
    if (!(executor instanceof WebgpuExecutor)) throw new Absent("only WebGPU has tiles to choose from");
    executor.useTiles({});
    const products = productShapes(executor, [arm], { B, T }), found: TunedShape[] = [];
    const usual = usualTiles(executor, products);
    for (const product of products) {
      if (clock.over()) break;
      const measure = () => tuneShape(executor, product, { runs });
      found.push(await once(shapeKey(product), { as: asTuned, measure }));
      await keep(foundOf(found, usual));
    }
    return products.length - found.length;
  });
};
