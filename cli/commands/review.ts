/** `hymba review`: the paper and the derivations behind the kernels. */
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { reviewDocument } from "../../core/report/mod.ts";
import type { Action } from "../ui/run.ts";
import { writeDocument } from "../shared/document.ts";
import { jsonOption } from "../shared/options.ts";
import { word } from "../shared/value_parsers.ts";

const options = object({
  out: withDefault(
    option("--out", word("FILE"), { description: message`review.html by default` }),
    "review.html",
  ),
  json: jsonOption,
});

/** The path from a page to this program's files, for the links of the page. */
function pathToProgram(page: string): string {
  const program = fileURLToPath(new URL("../../", import.meta.url));
  return relative(dirname(page), program).replaceAll("\\", "/") || ".";
}

export const reviewCommand = command(
  "review",
  map(
    options,
    ({ out, json }): Action => async () =>
      await writeDocument(out, { content: await reviewDocument({ root: pathToProgram(out) }), json }),
  ),
  {
    brief: message`a review of the paper, derivations of the formulas, and disagreements of the sources`,
    description:
      message`Writes one self-contained page with rendered formulas. Example: hymba review --out review.html`,
  },
);
