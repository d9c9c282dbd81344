/**
 * Writes the table of steps by executor at the head of docs/kernels.md from the registries: `deno run -A tests/kernels_table.ts`.
 * A test compares the committed table with the registries. The sections after the table are written by hand and are kept.
 */
import { LOWERINGS as CPU } from "../core/cpu/ops/mod.ts";
import { REFERENCES } from "../core/reference/mod.ts";
import { LOWERINGS as WEBGPU } from "../core/webgpu/ops/mod.ts";

export const TABLE_FILE = new URL("../docs/kernels.md", import.meta.url);

const EXECUTORS = [["reference (float64)", REFERENCES], ["WebGPU", WEBGPU], ["CPU", CPU]] as const;

/** The steps that at least one executor has. */
export const steps = (): string[] => [...new Set(EXECUTORS.flatMap(([, registry]) => Object.keys(registry)))].sort();

/** The document up to its first section. */
export function kernelsTable(): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    "# Steps by executor",
    "",
    "A plan is a list of steps. Each executor runs every step with its own kernels. `core/ops/` defines the steps and",
    "`core/reference/` computes them in float64. The kernels are in `wgsl/` (started by `core/webgpu/ops/`) and in",
    "`core/cpu/kernels/` (started by `core/cpu/ops/`). `deno run -A tests/kernels_table.ts` writes this table.",
    "",
    row(["step", ...EXECUTORS.map(([name]) => name)]),
    row(["---", ...EXECUTORS.map(() => "---")]),
    ...steps().map((step) =>
      row([`\`${step}\``, ...EXECUTORS.map(([, registry]) => Object.hasOwn(registry, step) ? "yes" : "—")])
    ),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const before = await Deno.readTextFile(TABLE_FILE), sections = before.indexOf("\n## ");
  await Deno.writeTextFile(TABLE_FILE, kernelsTable() + (sections < 0 ? "" : before.slice(sections)));
}
