/**
 * Writes the table of steps by executor at the head of docs/kernels.md from the registries: `deno run -A tests/kernels_table.ts`.
 * A test holds the committed table to them. The sections behind it are written by hand and stay.
 */
import { LOWERINGS as CPU } from "../core/cpu/ops/mod.ts";
import { REFERENCES } from "../core/reference/mod.ts";
import { LOWERINGS as WEBGPU } from "../core/webgpu/ops/mod.ts";

export const TABLE_FILE = new URL("../docs/kernels.md", import.meta.url);

const EXECUTORS = [["reference (float64)", REFERENCES], ["WebGPU", WEBGPU], ["CPU", CPU]] as const;

/** Every step that any executor knows. */
export const steps = (): string[] => [...new Set(EXECUTORS.flatMap(([, registry]) => Object.keys(registry)))].sort();

/** The document up to its first section. */
export function kernelsTable(): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    "# Steps by executor",
    "",
    "A plan is a list of steps; each executor carries every step out with kernels of its own. What a step computes stands in",
    "`core/ops/`, its truth in `core/reference/`, its kernels in `wgsl/` (lowered in `core/webgpu/ops/`) and `core/cpu/kernels/`",
    "(lowered in `core/cpu/ops/`). Written by `deno run -A tests/kernels_table.ts`.",
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
