/** Executes the first notebook and writes the pictures that docs/notebooks.md shows: `deno run -A tests/notebooks/pictures.ts`. */
import { join } from "node:path";
import { execute, FOLDER } from "./jupyter.ts";

/** The cell of each picture, by the text that begins it. */
const PICTURES = { memory: "const lengths", attention: "await showAttention" } as const;

const folder = await Deno.makeTempDir(), notebook = await execute("01_architecture", { folder });
for (const [name, start] of Object.entries(PICTURES)) {
  const cell = notebook?.cells.find(({ source }) => source.join("").startsWith(start));
  const png = cell?.outputs?.find(({ data }) => data?.["image/png"])?.data?.["image/png"];
  if (png === undefined) throw new Error(`no picture ${name}`);
  const text = typeof png === "string" ? png : png.join("");
  await Deno.writeFile(join(FOLDER, `${name}.png`), Uint8Array.fromBase64(text.replaceAll(/\s/g, "")));
}
await Deno.remove(folder, { recursive: true });
